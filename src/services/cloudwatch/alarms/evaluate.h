// What state a metric alarm is in, from its datapoints: a pure function.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
#pragma once

#include "services/cloudwatch/records.h"

namespace landfall::cloudwatch {

struct Evaluated {
  TimePoint time{};
  std::optional<double> value;  // none: missing
};

struct Verdict {
  std::optional<AlarmState> state;  // none: as it was
  std::string reason;
  std::vector<Point> used;  // oldest first
};

// More points than needed are looked at, in case some are missing.
inline constexpr std::int32_t kExtraPeriods = 2;

bool breaches(const std::string& comparison, double value, double threshold);
// `points`: evaluation_periods + kExtraPeriods of them, oldest first.
Verdict evaluate(const AlarmRecord& alarm, const std::vector<Evaluated>& points);
// StateReasonData.
std::string reason_data(const AlarmRecord& alarm, const std::vector<Evaluated>& points,
                        const Verdict& verdict, TimePoint now);

}  // namespace landfall::cloudwatch
