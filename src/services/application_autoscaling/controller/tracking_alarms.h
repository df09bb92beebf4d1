// The metric that a target tracking policy follows, and the alarms that watch it: real CloudWatch
// alarms, named and described as AWS names and describes them.
#pragma once

#include "services/application_autoscaling/service.h"

namespace landfall::application_autoscaling {

// What the policy follows: a metric, or an expression over several.
struct TrackedMetric {
  cloudwatch::MetricKey metric;
  std::string statistic;
  std::string unit;
  std::vector<cloudwatch::AlarmQuery> queries;  // not empty: an expression
};
TrackedMetric tracked_metric(const TargetRecord& target,
                             const TargetTrackingScalingPolicyConfiguration& policy,
                             const AlarmTiming& timing);

// Errors: ValidationException.
Result<void> check_tracking(const TargetTrackingScalingPolicyConfiguration& policy);

// "TargetTracking-service/web/api-AlarmHigh-6d8972f3-..."
std::string tracking_alarm_name(const std::string& resource, std::string_view kind,
                                const std::string& id);
// The high one and, unless scaling in is disabled, the low one. None for other policies.
std::vector<cloudwatch::AlarmSettings> tracking_alarms(const Scope& scope,
                                                       const TargetRecord& target,
                                                       const PolicyRecord& policy,
                                                       const AlarmTiming& timing);

// Makes the policy's alarms as they should be, and removes those it no longer needs. Errors: those
// of PutMetricAlarm.
task<Result<void>> ensure_alarms(ApplicationAutoscaling& scaling, Scope scope, TargetRecord target,
                                 store::Row<PolicyRecord> policy);

}  // namespace landfall::application_autoscaling
