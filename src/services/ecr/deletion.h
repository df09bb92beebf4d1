// Taking a repository away.
#pragma once

#include "services/ecr/access.h"

namespace landfall::ecr {

// Errors: RepositoryNotEmptyException unless `force`, RepositoryNotFoundException when it went
// meanwhile.
task<Result<void>> delete_with_images(Ecr& ecr, FoundRepository repository, bool force);

// Ends deletions that a crash cut short: with images in it the repository is back, without it goes.
task<void> finish_deletions(Ecr& ecr);

}  // namespace landfall::ecr
