// What ECR writes down, and under which keys.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/ids.h"
#include "base/record.h"
#include "host/images/digest.h"
#include "store/table.h"

namespace landfall::ecr {

struct ExclusionFilter {
  std::string type;     // "WILDCARD"
  std::string pattern;  // '*' stands for any characters
};
LF_RECORD(ExclusionFilter, type, pattern)

struct RepositoryRecord {
  std::string name;
  TimePoint created_at{};
  std::string tag_mutability = "MUTABLE";
  std::vector<ExclusionFilter> mutability_exclusions;
  bool scan_on_push = false;
  std::map<std::string, std::string> tags;
  std::string policy;                  // JSON text; empty: none
  std::string lifecycle_policy;        // JSON text; empty: none
  std::string lifecycle_preview;       // the policy last previewed; empty: none
  TimePoint lifecycle_evaluated_at{};  // epoch: never
  bool deleting = false;               // being removed: to everybody else it is gone
};
LF_RECORD(RepositoryRecord, name, created_at, tag_mutability, mutability_exclusions, scan_on_push,
          tags, policy, lifecycle_policy, lifecycle_preview, lifecycle_evaluated_at, deleting)

struct ImageRecord {
  std::string digest;
  std::string media_type;
  std::string artifact_type;  // the configuration's media type
  std::string subject;        // digest of the image this one is about; empty: none
  std::uint64_t size = 0;     // configuration and layers
  std::uint64_t manifest_size = 0;
  TimePoint pushed_at{};
  TimePoint last_pulled_at{};      // epoch: never
  std::set<std::string> blobs;     // digests of configuration and layers
  std::set<std::string> children;  // of an index
};
LF_RECORD(ImageRecord, digest, media_type, artifact_type, subject, size, manifest_size, pushed_at,
          last_pulled_at, blobs, children)

struct TagRecord {
  std::string digest;
};
LF_RECORD(TagRecord, digest)

// "This repository may hold that blob": written when a blob is uploaded or mounted, and again by
// every image that is pushed over it. A blob without any is garbage.
struct BlobReference {
  bool manifest = false;
  TimePoint touched_at{};
  TimePoint repository_created_at{};  // a repository of the same name made later is another one
};
LF_RECORD(BlobReference, manifest, touched_at, repository_created_at)

// Repository names hold slashes; in keys they are encoded.
std::string repository_id(std::string_view name);

store::Table<RepositoryRecord> repositories(store::Store& store, const Scope& scope);
store::Table<ImageRecord> images(store::Store& store, const Scope& scope,
                                 std::string_view repository);
store::Table<TagRecord> tags(store::Store& store, const Scope& scope, std::string_view repository);
// Over all accounts and regions; ids from reference_id.
store::Table<BlobReference> blob_references(store::Store& store);
std::string reference_id(const host::Digest& digest, const Scope& scope,
                         std::string_view repository);
struct ReferenceOwner {
  Scope scope;
  std::string repository;
};
// The parts of a reference_id behind the digest.
ReferenceOwner reference_owner(std::string_view id);

// The repository whose record has this key; nothing for every other key.
std::optional<ReferenceOwner> repository_key(std::string_view key);

// Does anybody refer to the blob?
bool is_referenced(store::Store& store, const host::Digest& digest);

std::string repository_arn(const Scope& scope, std::string_view name);

}  // namespace landfall::ecr
