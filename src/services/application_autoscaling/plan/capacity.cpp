#include "services/application_autoscaling/plan/capacity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "wire/application_autoscaling/errors.h"

namespace landfall::application_autoscaling {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Sums of binary fractions miss whole numbers by a hair: 4 * 50.000000000000007 / 50 is 4.
constexpr double kHair = 1e-9;
constexpr double kMost = 1e9;
constexpr std::size_t kMostSteps = 20;

double lower_of(const StepAdjustment& step) {
  return step.metric_interval_lower_bound.value_or(-kInfinity);
}
double upper_of(const StepAdjustment& step) {
  return step.metric_interval_upper_bound.value_or(kInfinity);
}

int whole(double value) { return static_cast<int>(std::clamp(value, -kMost, kMost)); }

}  // namespace

int tracked_capacity(int capacity, double metric, double target) {
  const double wanted = std::max(capacity, 1) * metric / target;
  return whole(std::ceil(wanted - kHair));
}

const StepAdjustment* find_step(const StepScalingPolicyConfiguration& policy, double breach,
                                bool below) {
  for (const StepAdjustment& step : policy.step_adjustments) {
    const double lower = lower_of(step), upper = upper_of(step);
    if (below ? lower < breach && breach <= upper : lower <= breach && breach < upper) return &step;
  }
  return nullptr;
}

int stepped_capacity(const StepScalingPolicyConfiguration& policy, const StepAdjustment& step,
                     int capacity) {
  const std::string type = policy.adjustment_type.value_or("");
  if (type == "ExactCapacity") return step.scaling_adjustment;
  if (type == "ChangeInCapacity") return whole(double(capacity) + step.scaling_adjustment);
  // Fractions of a task: toward zero, but at least one.
  double change = double(capacity) * step.scaling_adjustment / 100.0;
  if (change > 0 && change < 1) change = 1;
  if (change < 0 && change > -1) change = -1;
  change = std::trunc(change);
  const double least = policy.min_adjustment_magnitude.value_or(0);
  if (step.scaling_adjustment > 0) change = std::max(change, least);
  if (step.scaling_adjustment < 0) change = std::min(change, -least);
  return whole(capacity + change);
}

Result<void> check_steps(const StepScalingPolicyConfiguration& policy) {
  if (!policy.adjustment_type) {
    return errors::validation("AdjustmentType is required when creating a step scaling policy.");
  }
  if (policy.step_adjustments.empty())
    return errors::validation("There must be at least one step adjustment.");
  if (policy.step_adjustments.size() > kMostSteps)
    return errors::limit_exceeded(
        fmt::format("A step scaling policy has at most {} step adjustments.", kMostSteps));
  if (policy.cooldown.value_or(0) < 0)
    return errors::validation("Cooldown must be greater than or equal to 0.");
  if (policy.min_adjustment_magnitude) {
    if (*policy.adjustment_type != "PercentChangeInCapacity")
      return errors::validation(
          "MinAdjustmentMagnitude is only valid with the adjustment type "
          "PercentChangeInCapacity.");
    if (*policy.min_adjustment_magnitude < 0)
      return errors::validation("MinAdjustmentMagnitude must be greater than or equal to 0.");
  }
  std::vector<StepAdjustment> steps = policy.step_adjustments;
  std::ranges::sort(steps, {}, lower_of);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double lower = lower_of(steps[i]), upper = upper_of(steps[i]);
    if (!std::isfinite(lower) && !std::isfinite(upper))
      return errors::validation(
          "At least one of the bounds of a step adjustment must be specified.");
    if (lower >= upper)
      return errors::validation(
          "The upper bound of a step adjustment must be greater than its lower bound.");
    if (policy.adjustment_type == "ExactCapacity" && steps[i].scaling_adjustment < 0)
      return errors::validation("With ExactCapacity a scaling adjustment cannot be negative.");
    if (i == 0) continue;
    const double before = upper_of(steps[i - 1]);
    if (lower < before) return errors::validation("Step adjustments cannot overlap.");
    if (lower > before) return errors::validation("There can be no gap between step adjustments.");
  }
  return {};
}

}  // namespace landfall::application_autoscaling
