// The history of alarms, kept for 30 days and at most 1000 items an alarm.
#pragma once

#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

store::Operation history_of_configuration(Cloudwatch& cloudwatch, const Scope& scope,
                                          const AlarmRecord& alarm, const std::string& what,
                                          TimePoint now);
store::Operation history_of_state(Cloudwatch& cloudwatch, const Scope& scope,
                                  const AlarmRecord& before, const AlarmRecord& after,
                                  TimePoint now);
store::Operation history_of_action(Cloudwatch& cloudwatch, const Scope& scope,
                                   const PendingAction& action, const Result<void>& done,
                                   TimePoint now);
// Deletes what is too old.
task<Result<void>> sweep_history(Cloudwatch& cloudwatch, TimePoint now);

}  // namespace landfall::cloudwatch
