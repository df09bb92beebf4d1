// `landfall why` for load balancers and target groups.
#pragma once

#include "reconcile/why.h"
#include "services/elbv2/service.h"

namespace landfall::elbv2 {

// `reference`: an ARN or the name of a load balancer or target group, or a load balancer's DNS
// name.
task<std::optional<reconcile::Explanation>> explain(const Elbv2& elbv2, Scope scope,
                                                    std::string reference);

}  // namespace landfall::elbv2
