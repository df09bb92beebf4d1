// Images of a repository: what the ECR API and the registry protocol have in common.
#pragma once

#include "services/ecr/access.h"

namespace landfall::ecr {

// An image with the tags that point to it.
struct TaggedImage {
  ImageRecord record;
  std::set<std::string> tags;
};
// All of a repository, ordered by digest.
std::vector<TaggedImage> list_images(const Ecr& ecr, const FoundRepository& repository);

std::optional<std::string> digest_of_tag(const Ecr& ecr, const FoundRepository& repository,
                                         std::string_view tag);
std::optional<store::Row<ImageRecord>> find_image(const Ecr& ecr, const FoundRepository& repository,
                                                  std::string_view digest);
std::set<std::string> tags_of(const Ecr& ecr, const FoundRepository& repository,
                              std::string_view digest);

bool has_blob(const Ecr& ecr, const FoundRepository& repository, const host::Digest& digest);
// "The repository may hold this blob", for a blob that is pinned until this returns.
task<Result<void>> link_blob(Ecr& ecr, FoundRepository repository, host::BlobPin blob);

// A client that finds a blob does not upload it again and counts on it for its manifest: keeps an
// old reference from being swept in between.
task<void> keep_for_push(Ecr& ecr, FoundRepository repository, host::Digest digest);

struct NewImage {
  std::string manifest;
  std::string media_type;  // as the client calls it; may be empty
  std::string tag;         // may be empty
  std::optional<host::Digest> digest;
};
struct StoredImage {
  ImageRecord record;
  bool changed = false;  // false: digest and tag were there as asked
};
// Errors: RepositoryNotFound, ImageTagAlreadyExists, ImageDigestDoesNotMatch, LayersNotFound,
// ReferencedImagesNotFound, "manifest-invalid", "disk-full".
task<Result<StoredImage>> put_image(Ecr& ecr, FoundRepository repository, NewImage image);

// Removes tags (the image stays, untagged) and images with all their tags, in one transaction.
// Fails with nothing done when an index refers to an image: error ImageReferencedByManifestList.
struct Removal {
  std::set<std::string> digests;
  std::set<std::string> tags;
};
task<Result<void>> remove_images(Ecr& ecr, FoundRepository repository, Removal removal);
// The index that lists this image, if any.
std::optional<std::string> listed_by(const std::vector<TaggedImage>& all,
                                     const std::set<std::string>& going, const std::string& digest);

// ECR refreshes this at least once in 24 hours; so do we, to save writes.
task<void> record_pull(Ecr& ecr, FoundRepository repository, std::string digest);

// '*' stands for any characters.
bool matches_wildcard(std::string_view pattern, std::string_view text);
// Does `tag` keep its image once it has one?
bool is_immutable(const RepositoryRecord& repository, std::string_view tag);

}  // namespace landfall::ecr
