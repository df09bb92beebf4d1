// Making, changing and deleting alarms: one way for the API and for other services.
#pragma once

#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

// What PutMetricAlarm and PutCompositeAlarm check of an alarm. Error ValidationError.
Result<void> check_alarm(const Cloudwatch& cloudwatch, const Scope& scope,
                         const AlarmRecord& alarm);
// Writes the configuration and its history; a replaced alarm keeps state and tags.
task<Result<void>> write_alarm(Cloudwatch& cloudwatch, Scope scope, AlarmRecord alarm,
                               TimePoint now);
// Names that are not there are passed over.
task<Result<void>> remove_alarms(Cloudwatch& cloudwatch, Scope scope,
                                 std::vector<std::string> names, TimePoint now);
// Changes an alarm in place (actions enabled, tags).
task<Result<void>> change_alarm(Cloudwatch& cloudwatch, Scope scope, std::string name,
                                std::function<Result<bool>(AlarmRecord&)> change);

AlarmRecord record_of(AlarmSettings settings);

}  // namespace landfall::cloudwatch
