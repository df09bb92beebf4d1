// What an alarm looks at.
#pragma once

#include "services/cloudwatch/alarms/evaluate.h"
#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

// The datapoints of the periods that end at `end_s`, oldest first: evaluation_periods +
// kExtraPeriods of them. Adds to `samples` how many samples the evaluated ones have.
Result<std::vector<Evaluated>> points_of(const Cloudwatch& cloudwatch, const Scope& scope,
                                         const AlarmRecord& alarm, std::int64_t end_s,
                                         double& samples);

}  // namespace landfall::cloudwatch
