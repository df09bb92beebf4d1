// How AWS words what alarms say: numbers, times, the message to SNS.
#pragma once

#include "services/cloudwatch/records.h"

namespace landfall::cloudwatch {

// "20000.0", "1.5E7": as Java writes a double.
std::string java_number(double value);
// JSON with numbers written so.
std::string java_json(const json::value& value);
// "08/11/22 11:25:00"
std::string short_time(TimePoint time);
// "2022-11-08T11:26:05.399+0000"
std::string long_time(TimePoint time);
// "Friday 14 August, 2020 15:29:01 UTC"
std::string spoken_time(TimePoint time);
// "US West (N. California)"; the code itself for regions of our own.
std::string region_name(const std::string& region);
// "greater than or equal to" and so on.
std::string_view comparison_words(const std::string& comparison);

// The JSON that goes to SNS topics, and its subject.
std::string notification(const Scope& scope, const AlarmRecord& alarm, AlarmState previous,
                         TimePoint time);
std::string notification_subject(const Scope& scope, const AlarmRecord& alarm);

}  // namespace landfall::cloudwatch
