#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ecs/controller/plan_world.h"

namespace landfall::ecs {
namespace {

using testing::HasSubstr;

constexpr const char* kProduction = "rule/production";
constexpr const char* kTest = "rule/test";
using Weights = std::map<std::string, int>;
const Weights kBlue = {{"blue", 100}, {"green", 0}};
const Weights kGreen = {{"blue", 0}, {"green", 100}};

struct BlueGreen : World {
  explicit BlueGreen(int desired, int bake_minutes = 0) : World(desired) {
    service.settings = {.strategy = Strategy::blue_green, .bake_minutes = bake_minutes};
    targets = {{.target_group = "blue",
                .container = "app",
                .port = 80,
                .alternate_group = "green",
                .production_rule = kProduction,
                .test_rule = kTest,
                .role = "role"}};
    service.deployments.clear();
    service.rollouts.clear();
    next_id = 0;
    observed.traffic[kProduction] = {{"blue", 1}};
    observed.traffic[kTest] = {{"blue", 1}};
    deploy();
    settle();
  }
  int serving_in(std::string_view group) const {
    return static_cast<int>(std::ranges::count_if(observed.tasks, [&](const TaskRecord& t) {
      return t.running_and_healthy() && t.targets[0].target_group == group;
    }));
  }
  // The group that has the production traffic, by the rule.
  std::string production() { return observed.traffic[kProduction] == kGreen ? "green" : "blue"; }
  // Until nothing more is to be done at this moment. At no step traffic goes where too few serve.
  void quiet() {
    for (int i = 0; i < 50; ++i) {
      const bool idle = step().idle();
      ASSERT_GE(serving_in(production()), service.desired_count) << "step " << i;
      progress();
      if (idle && step().idle()) return;
    }
    FAIL() << "never quiet";
  }
};

TEST(BlueGreenPlan, TheFirstDeploymentServesFromTheFirstGroup) {
  BlueGreen w(2);
  EXPECT_EQ(w.observed.traffic[kProduction], kBlue);
  EXPECT_EQ(w.observed.traffic[kTest], kBlue);
  EXPECT_EQ(w.serving_in("blue"), 2);
  EXPECT_EQ(w.rollout().status, RolloutStatus::successful);
  EXPECT_TRUE(w.step().idle());
}

TEST(BlueGreenPlan, TestTrafficThenProductionTrafficThenBakeThenCleanUp) {
  BlueGreen w(2, 5);
  w.deploy("app:2");
  EXPECT_EQ(w.step().start.size(), 2u) << "all of green at once, blue untouched";
  EXPECT_EQ(w.rollout().stage, Stage::scale_up);
  w.shifts.clear();
  w.quiet();
  ASSERT_EQ(w.shifts.size(), 2u);
  EXPECT_EQ(w.shifts[0].rule, kTest);
  EXPECT_EQ(w.shifts[1].rule, kProduction);
  EXPECT_EQ(w.production(), "green");
  EXPECT_EQ(w.rollout().stage, Stage::bake_time);
  EXPECT_EQ(w.serving_in("blue"), 2) << "blue stays while green bakes";
  EXPECT_EQ(w.look_again, minutes(5));
  w.now += minutes(5);
  w.quiet();
  EXPECT_EQ(w.serving_in("blue"), 0);
  EXPECT_EQ(w.serving_in("green"), 2);
  EXPECT_EQ(w.rollout().status, RolloutStatus::successful);
  EXPECT_EQ(w.service.deployments.size(), 1u);
  // And back again, to the other group.
  w.deploy("app:3");
  w.quiet();
  EXPECT_EQ(w.production(), "blue");
}

TEST(BlueGreenPlan, GreenThatDoesNotStartGetsNoTraffic) {
  BlueGreen w(2);
  w.service.breaker = w.service.breaker_rollback = true;
  w.deploy("bad:2");
  for (int i = 0; i < 20 && is_open(w.rollout().status); ++i) {
    w.step();
    for (TaskRecord& t : w.observed.tasks) {
      if (t.status < TaskStatus::running && !t.stop_wanted) w.crash(t);
      if (t.stop_wanted) t.status = TaskStatus::stopped;
    }
    EXPECT_EQ(w.production(), "blue");
    EXPECT_EQ(w.serving_in("blue"), 2);
    w.now += minutes(1);
  }
  EXPECT_EQ(w.rollout().status, RolloutStatus::rollback_successful);
  EXPECT_THAT(w.events, testing::Contains(HasSubstr("deployment failed: tasks failed to start.")));
}

TEST(BlueGreenPlan, AnAlarmWhileGreenBakesBringsBlueBack) {
  BlueGreen w(2, 10);
  w.service.settings.alarms = {"errors"};
  w.service.settings.alarms_enabled = w.service.settings.alarms_rollback = true;
  w.deploy("app:2");
  w.quiet();
  ASSERT_EQ(w.production(), "green");
  w.observed.alarms = {"errors"};
  w.quiet();
  EXPECT_EQ(w.production(), "blue");
  EXPECT_EQ(w.serving_in("green"), 0);
  EXPECT_EQ(w.rollout().status, RolloutStatus::rollback_successful);
  EXPECT_EQ(w.rollout().alarms, Monitor::triggered);
  EXPECT_EQ(w.service.deployments[0].task_definition, "app:1");
}

TEST(BlueGreenPlan, ALinearDeploymentMovesTheTrafficInEqualSteps) {
  BlueGreen w(2);
  w.service.settings = {
      .strategy = Strategy::linear, .bake_minutes = 5, .step_percent = 40, .step_bake_minutes = 3};
  w.deploy("app:2");
  w.quiet();
  EXPECT_EQ(w.rollout().stage, Stage::production_traffic_shift);
  EXPECT_EQ(w.observed.traffic[kTest], kGreen) << "test traffic all at once";
  EXPECT_EQ(w.observed.traffic[kProduction], (Weights{{"blue", 60}, {"green", 40}}));
  EXPECT_EQ(w.look_again, minutes(3));
  w.now += minutes(3) - seconds(1);
  w.quiet();
  EXPECT_EQ(w.rollout().shifted_percent, 40);
  w.now += seconds(1);
  w.quiet();
  EXPECT_EQ(w.observed.traffic[kProduction], (Weights{{"blue", 20}, {"green", 80}}));
  EXPECT_EQ(w.serving_in("blue"), 2) << "blue is whole as long as it has traffic";
  w.now += minutes(3);
  w.quiet();
  EXPECT_EQ(w.observed.traffic[kProduction], kGreen);
  EXPECT_EQ(w.rollout().stage, Stage::bake_time) << "no step bake after the last";
  w.now += minutes(5);
  w.quiet();
  EXPECT_EQ(w.rollout().status, RolloutStatus::successful);
  EXPECT_EQ(w.serving_in("blue"), 0);
  // And back, from green to blue.
  w.deploy("app:3");
  w.quiet();
  EXPECT_EQ(w.observed.traffic[kProduction], (Weights{{"blue", 40}, {"green", 60}}));
}

TEST(BlueGreenPlan, ACanaryTakesALittleThenAll) {
  BlueGreen w(1);
  w.service.settings = {.strategy = Strategy::canary, .step_percent = 2.5, .step_bake_minutes = 10};
  w.deploy("app:2");
  w.quiet();
  EXPECT_EQ(w.observed.traffic[kProduction], (Weights{{"blue", 975}, {"green", 25}}));
  w.now += minutes(10);
  w.quiet();
  EXPECT_EQ(w.production(), "green");
  EXPECT_EQ(w.rollout().status, RolloutStatus::successful);
}

TEST(BlueGreenPlan, AnAlarmBetweenTwoStepsBringsAllTrafficBack) {
  BlueGreen w(2);
  w.service.settings = {.strategy = Strategy::linear,
                        .step_percent = 10,
                        .step_bake_minutes = 6,
                        .alarms = {"errors"},
                        .alarms_enabled = true,
                        .alarms_rollback = true};
  w.deploy("app:2");
  w.quiet();
  w.now += minutes(6);
  w.quiet();
  ASSERT_EQ(w.observed.traffic[kProduction], (Weights{{"blue", 80}, {"green", 20}}));
  w.observed.alarms = {"errors"};
  w.shifts.clear();
  w.quiet();
  EXPECT_EQ(w.observed.traffic[kProduction], kBlue) << "at once, not step by step";
  EXPECT_EQ(w.rollout().status, RolloutStatus::rollback_successful);
  EXPECT_EQ(w.serving_in("green"), 0);
}

TEST(BlueGreenPlan, ANewerDeploymentTakesBackWhatACanaryHad) {
  BlueGreen w(1);
  w.service.settings = {.strategy = Strategy::canary, .step_percent = 50, .step_bake_minutes = 10};
  w.deploy("app:2");
  w.quiet();
  w.deploy("app:3");
  w.step();
  EXPECT_EQ(w.observed.traffic[kProduction], kBlue) << "before its tasks are stopped";
  w.quiet();
  EXPECT_EQ(w.observed.traffic[kProduction], (Weights{{"blue", 50}, {"green", 50}}));
}

TEST(BlueGreenPlan, BlueIsReplacedWhileItServes) {
  BlueGreen w(2);
  w.deploy("app:2");
  w.step();
  w.crash(w.observed.tasks[0]);  // of blue; green has not come up yet
  const ServicePlan plan = w.step();
  ASSERT_EQ(plan.start.size(), 1u);
  EXPECT_EQ(plan.start[0].deployment, "ecs-svc/1");
}

TEST(BlueGreenPlan, AStoppedDeploymentLeavesTheTrafficWhereItIs) {
  BlueGreen w(2);
  w.deploy("app:2");
  w.step();
  w.rollout().status = RolloutStatus::stop_requested;
  w.quiet();
  EXPECT_EQ(w.rollout().status, RolloutStatus::stopped);
  EXPECT_EQ(w.production(), "blue");
  EXPECT_EQ(w.serving_in("blue"), 2);
  // The next deployment starts from there.
  w.deploy("app:3");
  w.quiet();
  EXPECT_EQ(w.production(), "green");
  EXPECT_EQ(static_cast<int>(w.alive().size()), 2);
  EXPECT_EQ(w.rollout().status, RolloutStatus::successful);
}

// Whatever happens to green, and whenever a newer deployment comes: where the traffic goes there
// are tasks enough.
TEST(BlueGreenPlanProperty, TrafficNeverGoesWhereNobodyServes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    BlueGreen w(1 + static_cast<int>(random.below(3)), static_cast<int>(random.below(3)));
    w.service.breaker = w.service.breaker_rollback = random.below(2) == 0;
    w.service.settings.strategy =
        std::array{Strategy::blue_green, Strategy::linear, Strategy::canary}[random.below(3)];
    w.service.settings.step_percent = 30;
    for (int i = 0; i < 100; ++i) {
      for (int steps = 0; !w.step().idle(); ++steps) ASSERT_LT(steps, 12);
      // Only what has never served dies here, so the serving side must stay whole.
      ASSERT_GE(w.serving_in(w.production()), 1) << "at " << i;
      const std::string serving = w.production();
      switch (random.below(7)) {
        case 0:
          w.deploy(fmt::format("app:{}", i));
          break;
        case 1:
        case 2:
          for (TaskRecord& t : w.observed.tasks) {
            if (!t.stop_wanted && t.status != TaskStatus::stopped && random.below(3) == 0 &&
                t.targets[0].target_group != serving)
              w.crash(t);
          }
          break;
        case 3:
          if (is_open(w.rollout().status) && w.rollout().status < RolloutStatus::stop_requested)
            w.rollout().status =
                random.below(2) ? RolloutStatus::stop_requested : RolloutStatus::rollback_requested;
          break;
        default:
          for (TaskRecord& t : w.observed.tasks) {
            if (t.stop_wanted && random.below(2)) t.status = TaskStatus::stopped;
            if (!t.stop_wanted && t.status < TaskStatus::running && random.below(2)) w.run(t);
          }
      }
      w.now += Millis(random.below(60'000));
    }
    w.now += kMostThrottle;
    w.settle();
    for (int i = 0; i < 40; ++i) {
      w.step();
      w.progress();
      w.now += minutes(1);
    }
    if (w.service.deployments[0].rollout == Rollout::failed) continue;
    EXPECT_EQ(w.serving_in(w.production()), w.service.desired_count);
    EXPECT_EQ(static_cast<int>(w.alive().size()), w.service.desired_count);
    EXPECT_TRUE(w.step().idle());
  }
}

}  // namespace
}  // namespace landfall::ecs
