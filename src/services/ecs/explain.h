// `landfall why` for clusters, services and tasks.
#pragma once

#include "reconcile/why.h"
#include "services/ecs/fargate.h"

namespace landfall::ecs {

// reference: an ARN, "CLUSTER/NAME", a service's name, a task's id or the first eight digits of it.
task<std::optional<reconcile::Explanation>> explain(const Fargate& fargate, Scope scope,
                                                    std::string reference);

}  // namespace landfall::ecs
