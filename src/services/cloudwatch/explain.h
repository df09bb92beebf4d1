// `landfall why` for alarms: what state they are in, why, and whether anybody was told.
#pragma once

#include "reconcile/why.h"
#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

// reference: an alarm's ARN or name.
task<std::optional<reconcile::Explanation>> explain(const Cloudwatch& cloudwatch, Scope scope,
                                                    std::string reference);

}  // namespace landfall::cloudwatch
