// What ECS asks of the registry. An adapter in front of ECR implements it; tests use a fake.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "host/volumes/scratch_disks.h"
#include "io/loop.h"

namespace landfall::ecs {

struct ResolvedImage {
  std::string digest;  // "sha256:...": what the reference names, a manifest or an index
};

class Images {
 public:
  virtual ~Images() = default;
  // reference: "REGISTRY/REPOSITORY[:TAG][@DIGEST]". role: the execution role, which must be
  // allowed to pull; empty: none. Errors, with a message for people: "registry-unknown" (not ours),
  // "repository-not-found", "image-not-found" (tag or digest), "access-denied".
  virtual task<Result<ResolvedImage>> resolve(Scope scope, std::string reference,
                                              std::string role) = 0;
};

// Secrets Manager and Parameter Store.
class Secrets {
 public:
  virtual ~Secrets() = default;
  // value_from: as the definition says, an ARN or a parameter's name. role: the execution role,
  // which must be allowed to read it. Error "secret-unavailable", worded as ECS words it.
  virtual task<Result<std::string>> read(Scope scope, std::string value_from, std::string role,
                                         std::string session) = 0;
};

// What a task writes goes to a disk of its own: the files of its containers above their images, and
// its volumes.
class Disks {
 public:
  virtual ~Disks() = default;
  // The disk's folder; one that is there is left as it is. Errors: as host::ScratchDisks.
  virtual task<Result<std::filesystem::path>> make(std::string task, int gib) = 0;
  // Absent is success.
  virtual task<Result<void>> remove(std::string task) = 0;
  virtual std::vector<std::string> list() const = 0;
  virtual Result<host::DiskUsage> usage(const std::string& task) const = 0;
};

// Files that a task definition names by their ARN in S3.
class Objects {
 public:
  virtual ~Objects() = default;
  // role: the execution role, which must be allowed to read it. Error "object-unavailable", worded
  // as S3 words it.
  virtual task<Result<std::string>> read(std::string arn, std::string role,
                                         std::string session) = 0;
};

}  // namespace landfall::ecs
