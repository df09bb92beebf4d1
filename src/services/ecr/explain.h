// `landfall why` for repositories and images.
#pragma once

#include "reconcile/why.h"
#include "services/ecr/service.h"

namespace landfall::ecr {

// reference: a repository's ARN or name, or an image: "NAME:TAG", "NAME@DIGEST", with or without
// its registry.
task<std::optional<reconcile::Explanation>> explain(Ecr& ecr, Scope scope, std::string reference);

}  // namespace landfall::ecr
