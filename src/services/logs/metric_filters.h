// Metric filters: what is counted, or measured, in the events of a group while they come in.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
#pragma once

#include "services/cloudwatch/port.h"
#include "services/logs/service.h"

namespace landfall::logs {

// The samples that `events` make, by the filters of their group.
std::vector<cloudwatch::Sample> samples_of(const std::vector<MetricFilterRecord>& filters,
                                           const std::vector<LogEvent>& events);

}  // namespace landfall::logs
