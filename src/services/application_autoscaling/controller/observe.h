// What a scalable target's plan is made from, read from the store, ECS and CloudWatch.
#pragma once

#include "services/application_autoscaling/plan/target_plan.h"
#include "services/application_autoscaling/service.h"

namespace landfall::application_autoscaling {

// What alarms have told step scaling policies and those that follow an expression, by policy ARN
// and alarm. Lives in memory: CloudWatch calls again every minute while an alarm stays as it is.
struct Told {
  cloudwatch::AlarmTransition transition;
  TimePoint at{};
};
using Signals = std::map<std::string, std::map<std::string, Told>>;

Seen observe(const ApplicationAutoscaling& scaling, const Scope& scope, const TargetRecord& target,
             const Signals& signals, TimePoint now);

// The latest whole periods of the metric that a policy follows, as far back as its low alarm looks.
std::vector<Datapoint> recent_points(const ApplicationAutoscaling& scaling, const Scope& scope,
                                     const TargetRecord& target, const PolicyRecord& policy,
                                     TimePoint now);

}  // namespace landfall::application_autoscaling
