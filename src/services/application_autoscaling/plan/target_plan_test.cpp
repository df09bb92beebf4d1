#include "services/application_autoscaling/plan/target_plan.h"

#include <gtest/gtest.h>

#include <random>

namespace landfall::application_autoscaling {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow = *parse_time("2026-11-21T12:00:00Z");

TargetRecord target(int low = 1, int high = 10) {
  TargetRecord out;
  out.cluster = "c";
  out.service = "web";
  out.min_capacity = low;
  out.max_capacity = high;
  return out;
}

SeenPolicy tracking(std::string name, double target_value, bool high, bool low,
                    std::vector<double> values, TimePoint last = kNow - 1min) {
  SeenPolicy out;
  out.record.name = name;
  out.record.type = "TargetTrackingScaling";
  out.record.tracking.emplace().target_value = target_value;
  out.record.high_alarm = name + "-high";
  out.record.low_alarm = name + "-low";
  out.tracking = {high, low, {}};
  TimePoint at = last - 1min * (std::ptrdiff_t(values.size()) - 1);
  for (const double value : values) {
    out.tracking.points.push_back({at, value});
    at += 1min;
  }
  return out;
}

SeenPolicy steps(std::string name, std::vector<std::pair<double, int>> from, double value,
                 bool below = false, TimePoint at = kNow) {
  SeenPolicy out;
  out.record.name = name;
  out.record.type = "StepScaling";
  auto& policy = out.record.step.emplace();
  policy.adjustment_type = "ChangeInCapacity";
  for (std::size_t i = 0; i < from.size(); ++i) {
    StepAdjustment& step = policy.step_adjustments.emplace_back();
    (below ? step.metric_interval_upper_bound : step.metric_interval_lower_bound) = from[i].first;
    if (i + 1 < from.size())
      (below ? step.metric_interval_lower_bound : step.metric_interval_upper_bound) =
          from[i + 1].first;
    step.scaling_adjustment = from[i].second;
  }
  out.alarms.push_back({.name = name + "-alarm",
                        .below = below,
                        .threshold = 50,
                        .points = {{at - 1min, value}},
                        .at = at});
  return out;
}

Seen seen(int desired, std::vector<SeenPolicy> policies = {}) {
  Seen out;
  out.service = SeenService{desired, desired, false};
  out.policies = std::move(policies);
  return out;
}

ChangeRecord change(Direction direction, int base, int to, TimePoint ended, int cooldown_s = 300) {
  return {.activity = "a",
          .policy = "cpu",
          .direction = direction,
          .base = base,
          .to = to,
          .cooldown_s = cooldown_s,
          .started = kNow - 10min,
          .ended = ended};
}

// "2" when the count is to be set to 2; a reason code when it was tried; "" when nothing happens.
std::string outcome(const TargetRecord& of, const Seen& what, TimePoint now = kNow) {
  const TargetPlan plan = plan_target(of, what, now);
  if (plan.begins_change) return std::to_string(plan.next.change->to);
  for (const ActivityRecord& activity : plan.activities) {
    if (activity.not_scaled) return activity.not_scaled->code;
  }
  return "";
}

TEST(TargetTracking, ProportionalOutAndIn) {
  EXPECT_EQ(outcome(target(), seen(1, {tracking("cpu", 50, true, false, {90})})), "2");
  EXPECT_EQ(outcome(target(), seen(4, {tracking("cpu", 50, true, false, {60, 95})})), "8");
  EXPECT_EQ(outcome(target(), seen(8, {tracking("cpu", 50, false, true, {10, 20})})), "4");
  EXPECT_EQ(outcome(target(), seen(8, {tracking("cpu", 50, false, true, {0, 0})})), "1");
  EXPECT_EQ(outcome(target(), seen(4, {tracking("cpu", 50, false, false, {60})})), "");
}

TEST(TargetTracking, TheActivityIsWordedAsAwsWordsIt) {
  const TargetPlan plan =
      plan_target(target(), seen(1, {tracking("cpu", 50, true, false, {90})}), kNow);
  ASSERT_EQ(plan.activities.size(), 1U);
  EXPECT_EQ(plan.activities[0].description, "Setting desired count to 2.");
  EXPECT_EQ(plan.activities[0].cause, "monitor alarm cpu-high in state ALARM triggered policy cpu");
  EXPECT_EQ(plan.activities[0].status, "Pending");
}

TEST(TargetTracking, BoundsHold) {
  EXPECT_EQ(outcome(target(1, 6), seen(4, {tracking("cpu", 50, true, false, {100})})), "6");
  EXPECT_EQ(outcome(target(1, 4), seen(4, {tracking("cpu", 50, true, false, {100})})),
            "AlreadyAtMaxCapacity");
  EXPECT_EQ(outcome(target(3, 9), seen(8, {tracking("cpu", 50, false, true, {0})})), "3");
  EXPECT_EQ(outcome(target(3, 9), seen(3, {tracking("cpu", 50, false, true, {0})})),
            "AlreadyAtMinCapacity");
  // By hand outside the bounds: a scaling comes back inside first.
  EXPECT_EQ(outcome(target(3, 9), seen(1, {tracking("cpu", 50, true, false, {60})})), "4");
  EXPECT_EQ(outcome(target(3, 9), seen(20, {tracking("cpu", 50, false, true, {40})})), "8");
  EXPECT_EQ(outcome(target(3, 9), seen(20, {tracking("cpu", 50, true, false, {90})})),
            "AlreadyAtMaxCapacity");
  EXPECT_EQ(outcome(target(3, 9), seen(1, {tracking("cpu", 50, false, true, {10})})),
            "AlreadyAtMinCapacity");
}

TEST(TargetTracking, ItDoesNotScaleInToScaleOutAgain) {
  EXPECT_EQ(outcome(target(), seen(2, {tracking("cpu", 50, false, true, {30, 10})})),
            "AutoScalingAnticipatedFlapping");
}

TEST(TargetTracking, MissingMetricsNeverScaleIn) {
  // The low alarm says ALARM, set by hand, and there is no datapoint behind it.
  EXPECT_EQ(outcome(target(), seen(4, {tracking("cpu", 50, false, true, {})})), "");
  // One of two policies has no data: they do not agree.
  EXPECT_EQ(outcome(target(), seen(4, {tracking("cpu", 50, false, true, {1}),
                                       tracking("memory", 50, false, false, {})})),
            "");
  EXPECT_EQ(outcome(target(), seen(1, {tracking("cpu", 50, true, false, {})})), "");
}

TEST(SeveralPolicies, TheLargestWinsOutAndAllAgreeIn) {
  EXPECT_EQ(outcome(target(), seen(2, {tracking("cpu", 50, true, false, {60}),
                                       tracking("requests", 100, true, false, {190})})),
            "4");
  EXPECT_EQ(outcome(target(), seen(4, {tracking("cpu", 50, true, false, {60}),
                                       tracking("memory", 50, false, true, {1})})),
            "5");
  EXPECT_EQ(outcome(target(), seen(8, {tracking("cpu", 50, false, true, {5}),
                                       tracking("memory", 50, false, true, {25})})),
            "4");
  EXPECT_EQ(outcome(target(), seen(8, {tracking("cpu", 50, false, true, {5}),
                                       tracking("memory", 50, false, false, {48})})),
            "");
  SeenPolicy only_out = tracking("memory", 50, false, false, {48});
  only_out.record.tracking->disable_scale_in = true;
  EXPECT_EQ(outcome(target(), seen(8, {tracking("cpu", 50, false, true, {5}), only_out})), "1");
}

TEST(Cooldown, OutContinuesOnlyWhenMoreIsWanted) {
  TargetRecord of = target();
  of.change = change(Direction::out, 2, 4, kNow - 1min);
  // From 2, what was there before: 2 * 95 / 50 is 4, which there is already.
  EXPECT_EQ(outcome(of, seen(4, {tracking("cpu", 50, true, false, {95})})), "");
  EXPECT_EQ(outcome(of, seen(4, {tracking("cpu", 50, true, false, {140})})), "6");
  // Over: from 4, with a metric that is newer than the change.
  of.change->ended = kNow - 6min;
  EXPECT_EQ(outcome(of, seen(4, {tracking("cpu", 50, true, false, {95})})), "8");
  EXPECT_EQ(outcome(of, seen(4, {tracking("cpu", 50, true, false, {95}, kNow - 7min)})), "");
}

TEST(Cooldown, TheChainOfLargerScaleOutsCountsFromItsBeginning) {
  TargetRecord of = target(1, 100);
  of.change = change(Direction::out, 2, 4, kNow - 1min);
  const TargetPlan plan = plan_target(of, seen(4, {tracking("cpu", 50, true, false, {140})}), kNow);
  ASSERT_TRUE(plan.begins_change);
  EXPECT_EQ(plan.next.change->to, 6);
  EXPECT_EQ(plan.next.change->base, 2);
}

TEST(Cooldown, InWaitsAndGivesWayToOut) {
  TargetRecord of = target();
  of.change = change(Direction::in, 8, 6, kNow - 1min);
  const Seen idle = seen(6, {tracking("cpu", 50, false, true, {5}, kNow)});
  EXPECT_EQ(outcome(of, idle), "");
  EXPECT_EQ(plan_target(of, idle, kNow).look_again, Millis(4min));
  EXPECT_EQ(outcome(of, seen(6, {tracking("cpu", 50, true, false, {100})})), "10");
  of.change->ended = kNow - 6min;
  EXPECT_EQ(outcome(of, seen(6, {tracking("cpu", 50, false, true, {5})})), "1");
  // A scale-out's cool-down does not hold back a scale-in, but it needs newer datapoints.
  of.change = change(Direction::out, 4, 6, kNow - 150s);
  EXPECT_EQ(outcome(of, seen(6, {tracking("cpu", 50, false, true, {49, 5, 5})})), "1");
  EXPECT_EQ(outcome(of, seen(6, {tracking("cpu", 50, false, true, {5}, kNow - 3min)})), "");
}

TEST(Deployments, HoldBackScaleInOnly) {
  Seen busy = seen(4, {tracking("cpu", 50, false, true, {1})});
  busy.service->deploying = true;
  EXPECT_EQ(outcome(target(), busy), "TargetServicePutResourceAsUnscalable");
  busy.policies = {tracking("cpu", 50, true, false, {75})};
  EXPECT_EQ(outcome(target(), busy), "6");
}

TEST(Suspended, EachPartByItself) {
  TargetRecord of = target();
  of.out_suspended = true;
  EXPECT_EQ(outcome(of, seen(2, {tracking("cpu", 50, true, false, {90})})), "");
  EXPECT_EQ(outcome(of, seen(4, {tracking("cpu", 50, false, true, {1})})), "1");
  of = target();
  of.in_suspended = true;
  EXPECT_EQ(outcome(of, seen(2, {tracking("cpu", 50, true, false, {90})})), "4");
  EXPECT_EQ(outcome(of, seen(4, {tracking("cpu", 50, false, true, {1})})), "");
}

TEST(Steps, OutAndIn) {
  const std::vector<std::pair<double, int>> out = {{0, 1}, {20, 3}};
  EXPECT_EQ(outcome(target(), seen(2, {steps("s", out, 55)})), "3");
  EXPECT_EQ(outcome(target(), seen(2, {steps("s", out, 80)})), "5");
  const std::vector<std::pair<double, int>> in = {{0, -1}, {-30, -2}};
  EXPECT_EQ(outcome(target(), seen(4, {steps("s", in, 45, true)})), "3");
  EXPECT_EQ(outcome(target(), seen(4, {steps("s", in, 10, true)})), "2");
  EXPECT_EQ(outcome(target(), seen(1, {steps("s", in, 10, true)})), "AlreadyAtMinCapacity");
  // A step policy does not ask target tracking, as AWS warns.
  EXPECT_EQ(outcome(target(),
                    seen(4, {steps("s", in, 45, true), tracking("cpu", 50, false, false, {48})})),
            "3");
}

TEST(Steps, AScaleInBelowTheMinimumStaysOne) {
  EXPECT_EQ(outcome(target(3, 9), seen(0, {steps("s", {{0, -1}}, 45, true)})),
            "AlreadyAtMinCapacity");
  SeenPolicy exact = steps("s", {{0, 5}}, 60);
  exact.record.step->adjustment_type = "ExactCapacity";
  EXPECT_EQ(outcome(target(), seen(2, {exact})), "5");
  EXPECT_EQ(outcome(target(), seen(8, {exact})), "5");
  EXPECT_EQ(outcome(target(), seen(5, {exact})), "AlreadyAtDesiredCapacity");
}

TEST(Steps, OnlyTheDifferenceIsAddedInTheCooldown) {
  TargetRecord of = target();
  of.change = change(Direction::out, 2, 4, kNow - 1min);
  EXPECT_EQ(outcome(of, seen(4, {steps("s", {{0, 2}}, 60)})), "");
  EXPECT_EQ(outcome(of, seen(4, {steps("s", {{0, 3}}, 60)})), "5");
  of.change->ended = kNow - 6min;
  EXPECT_EQ(outcome(of, seen(4, {steps("s", {{0, 2}}, 60)})), "6");
  // Told before the change ended: it is not taken for a new call.
  EXPECT_EQ(outcome(of, seen(4, {steps("s", {{0, 2}}, 60, false, kNow - 7min)})), "");
}

TEST(Steps, AggregateOfTheAlarmsDatapoints) {
  SeenPolicy of = steps("s", {{0, 1}, {20, 3}}, 0);
  of.alarms[0].points = {{kNow - 2min, 52}, {kNow - 1min, 90}};  // 71 on average
  EXPECT_EQ(outcome(target(), seen(1, {of})), "4");
  of.record.step->metric_aggregation_type = "Minimum";
  EXPECT_EQ(outcome(target(), seen(1, {of})), "2");
  of.record.step->metric_aggregation_type = "Maximum";
  EXPECT_EQ(outcome(target(), seen(1, {of})), "4");
}

TEST(NotScaled, IsToldOnceUntilSomethingElseHappens) {
  const Seen full = seen(4, {tracking("cpu", 50, true, false, {100})});
  const TargetPlan first = plan_target(target(1, 4), full, kNow);
  ASSERT_EQ(first.activities.size(), 1U);
  EXPECT_EQ(first.activities[0].not_scaled->max_capacity, 4);
  EXPECT_TRUE(plan_target(first.next, full, kNow + 1min).idle());
  EXPECT_FALSE(plan_target(first.next, full, kNow + kTellAgain).idle());
}

TEST(Change, FromPendingToItsEnd) {
  TargetRecord of = target();
  of.change = change(Direction::out, 1, 3, TimePoint{});
  of.change->started = kNow - 1min;
  Seen what = seen(1);
  what.under_way = ActivityRecord{.id = "a", .status = "Pending", .started = kNow - 1min};
  EXPECT_EQ(plan_target(of, what, kNow).desired, 3);  // after a crash, too
  what.under_way->status = "InProgress";
  what.service = SeenService{3, 2, false};
  TargetPlan plan = plan_target(of, what, kNow);
  EXPECT_TRUE(plan.idle());
  EXPECT_EQ(plan.look_again, Millis(1000));
  what.service->running = 3;
  plan = plan_target(of, what, kNow);
  ASSERT_TRUE(plan.ended);
  EXPECT_EQ(plan.ended->status, "Successful");
  EXPECT_EQ(plan.ended->message,
            "Successfully set desired count to 3. Change successfully fulfilled by ecs.");
  EXPECT_EQ(plan.next.change->ended, kNow);
  what.service = SeenService{2, 2, false};
  EXPECT_EQ(plan_target(of, what, kNow).ended->status, "Overridden");
  what.service = SeenService{3, 2, false};
  EXPECT_EQ(plan_target(of, what, kNow + kFulfilWithin).ended->status, "Unfulfilled");
  what.service.reset();
  EXPECT_EQ(plan_target(of, what, kNow).ended->status, "Failed");
}

TEST(Change, ALargerOneOverridesTheOneUnderWay) {
  TargetRecord of = target();
  of.change = change(Direction::out, 2, 4, TimePoint{});
  of.change->started = kNow - 1min;
  Seen what = seen(4, {tracking("cpu", 50, true, false, {140})});
  what.service->running = 2;
  what.under_way = ActivityRecord{.id = "a", .status = "InProgress", .started = kNow - 1min};
  const TargetPlan plan = plan_target(of, what, kNow);
  EXPECT_EQ(plan.next.change->to, 6);
  ASSERT_TRUE(plan.ended);
  EXPECT_EQ(plan.ended->status, "Overridden");
}

SeenSchedule scheduled(std::string name, std::string text, std::optional<int> low,
                       std::optional<int> high, TimePoint done = kNow - 1h) {
  SeenSchedule out{{}, *Schedule::parse(text, "")};
  out.record.name = std::move(name);
  out.record.min_capacity = low;
  out.record.max_capacity = high;
  out.record.created = done;
  out.record.done_until = done;
  return out;
}

TEST(Schedules, SetTheBoundsAndThenTheCount) {
  Seen what = seen(2);
  what.schedules = {scheduled("morning", "cron(50 11 * * ? *)", 4, 8)};
  TargetPlan plan = plan_target(target(), what, kNow);
  EXPECT_EQ(plan.next.min_capacity, 4);
  EXPECT_EQ(plan.next.max_capacity, 8);
  ASSERT_EQ(plan.activities.size(), 2U);
  EXPECT_EQ(plan.activities[0].cause, "minimum capacity was set to 4");
  EXPECT_EQ(plan.activities[1].description, "Setting min capacity to 4 and max capacity to 8");
  EXPECT_EQ(plan.activities[1].cause, "scheduled action name morning was triggered");
  EXPECT_EQ(plan.next.change->to, 4);
  ASSERT_EQ(plan.schedules.size(), 1U);
  EXPECT_EQ(plan.schedules[0].done_until, kNow - 10min);
  EXPECT_EQ(plan.look_again, Millis(24h - 10min));
}

TEST(Schedules, MissedOnesHappenInTheirOrder) {
  Seen what = seen(2);
  what.schedules = {scheduled("late", "cron(55 11 * * ? *)", {}, 3),
                    scheduled("early", "cron(30 11 * * ? *)", 1, 9)};
  const TargetPlan plan = plan_target(target(), what, kNow);
  EXPECT_EQ(plan.next.max_capacity, 3);
  EXPECT_EQ(plan.schedules.size(), 2U);
}

TEST(Schedules, EndsStartsSuspensionAndContradictions) {
  Seen what = seen(2);
  what.schedules = {scheduled("s", "cron(50 11 * * ? *)", 4, 8)};
  what.schedules[0].record.end = kNow - 20min;
  EXPECT_TRUE(plan_target(target(), what, kNow).idle());
  what.schedules[0].record.end.reset();
  what.schedules[0].record.start = kNow + 1h;
  EXPECT_TRUE(plan_target(target(), what, kNow).idle());
  what.schedules[0].record.start.reset();
  TargetRecord of = target();
  of.schedule_suspended = true;
  TargetPlan plan = plan_target(of, what, kNow);
  EXPECT_EQ(plan.next.min_capacity, 1);
  EXPECT_EQ(plan.schedules.size(), 1U);  // done with: it does not run when resumed
  what.schedules = {scheduled("s", "cron(50 11 * * ? *)", 20, {})};
  plan = plan_target(target(), what, kNow);
  EXPECT_EQ(plan.activities[0].status, "Failed");
  EXPECT_EQ(plan.next.min_capacity, 1);
}

TEST(Bounds, AreEnforcedWhenTheyChange) {
  TargetRecord of = target(3, 6);
  EXPECT_EQ(outcome(of, seen(1)), "");  // changed by hand: only a scaling brings it back
  of.enforce = true;
  EXPECT_EQ(outcome(of, seen(1)), "3");
  EXPECT_EQ(outcome(of, seen(9)), "6");
  EXPECT_EQ(outcome(of, seen(5)), "");
  Seen busy = seen(9);
  busy.service->deploying = true;
  EXPECT_EQ(outcome(of, busy), "");
  EXPECT_TRUE(plan_target(of, busy, kNow).next.enforce);
}

TEST(Plans, NothingToDoIsIdle) {
  EXPECT_TRUE(plan_target(target(), seen(2), kNow).idle());
  Seen gone;
  EXPECT_TRUE(plan_target(target(), gone, kNow).idle());
}

// Whatever alarms and metrics say, the count set is inside the bounds, and following the plan ends.
TEST(Plans, RandomWorldsStayInBounds) {
  std::mt19937_64 random(7);
  const auto below = [&](int n) { return int(random() % std::uint64_t(n)); };
  for (int world = 0; world < 5000; ++world) {
    TargetRecord of = target(below(4), 4 + below(8));
    of.enforce = below(4) == 0;
    if (below(2))
      of.change = change(below(2) ? Direction::out : Direction::in, below(12), below(12),
                         below(3) ? kNow - Millis(below(600'000)) : TimePoint{});
    const int kind = below(3);
    Seen what = seen(below(14),
                     {tracking("cpu", 50, kind == 1, kind == 2, {double(below(120))}),
                      steps("s", {{0, 2}}, below(100)), steps("t", {{0, -1}}, below(100), true)});
    what.service->deploying = below(4) == 0;
    for (int round = 0; round < 8; ++round) {
      const TargetPlan plan = plan_target(of, what, kNow);
      if (plan.begins_change) {
        EXPECT_GE(plan.next.change->to, plan.next.min_capacity);
        EXPECT_LE(plan.next.change->to, plan.next.max_capacity);
        what.service->desired = what.service->running = plan.next.change->to;
        what.under_way.reset();
      }
      if (plan.idle()) break;
      of = plan.next;
      ASSERT_LT(round, 7) << "world " << world << " goes on and on";
    }
  }
}

}  // namespace
}  // namespace landfall::application_autoscaling
