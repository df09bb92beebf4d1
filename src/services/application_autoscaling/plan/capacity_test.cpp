#include "services/application_autoscaling/plan/capacity.h"

#include <gtest/gtest.h>

namespace landfall::application_autoscaling {
namespace {

StepScalingPolicyConfiguration policy(
    std::string type,
    std::vector<std::tuple<std::optional<double>, std::optional<double>, int>> steps,
    std::optional<int> least = {}) {
  StepScalingPolicyConfiguration out;
  out.adjustment_type = std::move(type);
  out.min_adjustment_magnitude = least;
  for (const auto& [lower, upper, by] : steps) {
    StepAdjustment& step = out.step_adjustments.emplace_back();
    step.metric_interval_lower_bound = lower;
    step.metric_interval_upper_bound = upper;
    step.scaling_adjustment = by;
  }
  return out;
}

TEST(TrackedCapacity, IsProportional) {
  struct Case {
    int capacity;
    double metric, target;
    int wanted;
  };
  for (const Case& c :
       {Case{1, 90, 50, 2}, Case{2, 90, 50, 4}, Case{4, 50.1, 50, 5}, Case{4, 50, 50, 4},
        Case{10, 25, 50, 5}, Case{3, 1, 50, 1}, Case{3, 0, 50, 0}, Case{0, 90, 50, 2},
        Case{3, 100.0 / 3, 100.0 / 3, 3}, Case{1, 1e300, 1, 1'000'000'000}}) {
    EXPECT_EQ(tracked_capacity(c.capacity, c.metric, c.target), c.wanted)
        << c.capacity << " at " << c.metric << " of " << c.target;
  }
}

TEST(Steps, BoundsAreInclusiveOnTheSideOfTheThreshold) {
  const auto out = policy("ChangeInCapacity", {{0, 10, 1}, {10, 20, 2}, {20, {}, 3}});
  const auto by = [](const auto& of, double breach, bool below) {
    const StepAdjustment* step = find_step(of, breach, below);
    return step ? step->scaling_adjustment : 99;
  };
  EXPECT_EQ(by(out, 0, false), 1);
  EXPECT_EQ(by(out, 9.9, false), 1);
  EXPECT_EQ(by(out, 10, false), 2);
  EXPECT_EQ(by(out, 1000, false), 3);
  EXPECT_EQ(by(out, -1, false), 99);
  const auto in = policy("ChangeInCapacity", {{-10, 0, -1}, {{}, -10, -2}});
  EXPECT_EQ(by(in, 0, true), -1);
  EXPECT_EQ(by(in, -9, true), -1);
  EXPECT_EQ(by(in, -10, true), -2);
  EXPECT_EQ(by(in, 1, true), 99);
}

TEST(Steps, AdjustmentTypes) {
  struct Case {
    const char* type;
    int by, capacity;
    std::optional<int> least;
    int wanted;
  };
  for (const Case& c :
       {Case{"ChangeInCapacity", 3, 2, {}, 5}, Case{"ChangeInCapacity", -3, 2, {}, -1},
        Case{"ExactCapacity", 7, 2, {}, 7}, Case{"PercentChangeInCapacity", 100, 4, {}, 8},
        Case{"PercentChangeInCapacity", 10, 4, {}, 5},     // 0.4 is one
        Case{"PercentChangeInCapacity", 127, 10, {}, 22},  // 12.7 is 12
        Case{"PercentChangeInCapacity", -10, 4, {}, 3},
        Case{"PercentChangeInCapacity", -67, 10, {}, 4},  // -6.7 is -6
        Case{"PercentChangeInCapacity", 10, 4, 2, 6},
        Case{"PercentChangeInCapacity", -10, 10, 3, 7},
        Case{"PercentChangeInCapacity", 0, 4, {}, 4}}) {
    const auto of = policy(c.type, {{0, {}, c.by}}, c.least);
    EXPECT_EQ(stepped_capacity(of, of.step_adjustments[0], c.capacity), c.wanted)
        << c.type << " " << c.by << " of " << c.capacity;
  }
}

TEST(Steps, WhatIsRefused) {
  EXPECT_TRUE(check_steps(policy("ChangeInCapacity", {{0, 10, 1}, {10, {}, 2}})));
  EXPECT_TRUE(check_steps(policy("ChangeInCapacity", {{{}, -10, -2}, {-10, 0, -1}})));
  for (const auto& bad :
       {policy("ChangeInCapacity", {}), policy("ChangeInCapacity", {{{}, {}, 1}}),
        policy("ChangeInCapacity", {{10, 10, 1}}), policy("ChangeInCapacity", {{10, 0, 1}}),
        policy("ChangeInCapacity", {{0, 10, 1}, {5, {}, 2}}),
        policy("ChangeInCapacity", {{0, 10, 1}, {11, {}, 2}}),
        policy("ChangeInCapacity", {{0, {}, 1}, {10, {}, 2}}),
        policy("ChangeInCapacity", {{0, {}, 1}}, 2), policy("ExactCapacity", {{0, {}, -1}})}) {
    EXPECT_FALSE(check_steps(bad)) << record::to_text(bad);
  }
  StepScalingPolicyConfiguration untyped = policy("", {{0, {}, 1}});
  untyped.adjustment_type.reset();
  EXPECT_FALSE(check_steps(untyped));
}

}  // namespace
}  // namespace landfall::application_autoscaling
