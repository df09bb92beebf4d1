// How much capacity a policy wants: pure arithmetic of metrics, thresholds and counts.
#pragma once

#include <optional>

#include "services/application_autoscaling/records.h"

namespace landfall::application_autoscaling {

// Proportional: the capacity at which the metric, a share per task, would be at its target. Never
// fewer than one task more than nothing: what has no tasks cannot lower a metric.
// https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
int tracked_capacity(int capacity, double metric, double target);

// Bounds of a step are relative to the alarm's threshold. below: the alarm is one of "LessThan...",
// for which upper bounds are inclusive and lower ones exclusive. None: no step covers the breach.
// https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
const StepAdjustment* find_step(const StepScalingPolicyConfiguration& policy, double breach,
                                bool below);
int stepped_capacity(const StepScalingPolicyConfiguration& policy, const StepAdjustment& step,
                     int capacity);

// Steps without gaps and overlaps, and what else AWS asks for. Errors: ValidationException.
Result<void> check_steps(const StepScalingPolicyConfiguration& policy);

}  // namespace landfall::application_autoscaling
