// What other services may ask of ECR.
#pragma once

#include "host/images/digest.h"
#include "services/ecr/service.h"

namespace landfall::ecr {

struct ResolvedImage {
  host::Digest digest;  // of the manifest or index; its bytes are in the blob store
  std::string repository_arn;
};

// Is this a host (with or without port) whose images are here? `127.0.0.1` and `localhost` count,
// with our port.
bool is_own_registry(const Ecr& ecr, std::string_view registry);

// What an image reference ("REGISTRY/REPOSITORY[:TAG][@DIGEST]") means now. `scope`: for registries
// whose host does not say account and region. Whether anybody may pull it is not asked here: see
// pull_accesses. Errors, with a message for people: "reference-invalid", "registry-unknown" (not
// ours), "repository-not-found", "image-not-found" (tag or digest).
Result<ResolvedImage> resolve_image(const Ecr& ecr, const Scope& scope, std::string_view reference);

// What a puller must be allowed to do, over IAM: ecr:BatchGetImage and ecr:GetDownloadUrlForLayer
// on the repository (with its policy), ecr:GetAuthorizationToken. Errors as resolve_image for a
// missing repository.
Result<std::vector<iam::Access>> pull_accesses(const Ecr& ecr, const Scope& scope,
                                               std::string_view reference);

}  // namespace landfall::ecr
