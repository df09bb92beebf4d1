// `landfall why` for scalable targets: why one scales, or does not.
#pragma once

#include "reconcile/why.h"
#include "services/application_autoscaling/controller/observe.h"

namespace landfall::application_autoscaling {

// `reference`: the ARN of a scalable target, of one of its policies or of its service,
// "service/CLUSTER/SERVICE", or the service's name.
task<std::optional<reconcile::Explanation>> explain(const ApplicationAutoscaling& scaling,
                                                    const Signals& signals, Scope scope,
                                                    std::string reference);

}  // namespace landfall::application_autoscaling
