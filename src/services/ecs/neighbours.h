// What ECS asks of the registry. An adapter in front of ECR implements it; tests use a fake.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
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

}  // namespace landfall::ecs
