#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ecs/controller/plan_world.h"

namespace landfall::ecs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ServicePlan, StartsTheDesiredTasksSpreadOverZones) {
  World w(4);
  const ServicePlan plan = w.step();
  ASSERT_EQ(plan.start.size(), 4u);
  std::map<std::string, int> places;
  for (const auto& s : plan.start) ++places[s.subnet];
  EXPECT_EQ(places["subnet-a"], 2);
  EXPECT_EQ(places["subnet-b"], 2);
  EXPECT_TRUE(w.step().start.empty()) << "tasks on their way count";
}

TEST(ServicePlan, SaysWhenItIsSteadyAndNotAgain) {
  World w(1);
  w.step();
  w.progress();
  w.step();
  EXPECT_THAT(w.events, ElementsAre()) << "a task that has just begun may still die";
  w.now += kSettle;
  w.step();
  EXPECT_THAT(w.events, ElementsAre("(service web) (deployment ecs-svc/1) deployment completed.",
                                    "(service web) has reached a steady state."));
  EXPECT_EQ(w.service.deployments[0].rollout, Rollout::completed);
  EXPECT_TRUE(w.step().idle());
  w.now += kSteadyInterval;
  w.step();
  EXPECT_EQ(w.events.size(), 3u) << "every six hours";
}

TEST(ServicePlan, NewTaskServesBeforeTheOldOneStops) {
  World w(1);
  w.health_checks = true;
  w.settle();
  const std::string old = w.alive()[0];
  w.deploy();
  ASSERT_EQ(w.step().start.size(), 1u);
  ASSERT_EQ(w.alive().size(), 2u);
  TaskRecord& fresh = w.observed.tasks.back();
  w.run(fresh, Health::unknown);
  EXPECT_TRUE(w.step().stop.empty()) << "running, but not yet healthy";
  w.now += minutes(5);
  EXPECT_TRUE(w.step().stop.empty());
  fresh.containers[0].health = Health::healthy;
  const ServicePlan plan = w.step();
  ASSERT_EQ(plan.stop.size(), 1u);
  EXPECT_EQ(plan.stop[0].task, old);
  EXPECT_EQ(plan.stop[0].reason, "Scaling activity initiated by (deployment ecs-svc/3)");
  EXPECT_EQ(w.service.deployments.size(), 2u) << "the old deployment is listed while it has tasks";
  EXPECT_FALSE(w.service.deployments[1].primary);
  w.progress();
  w.step();
  ASSERT_EQ(w.service.deployments.size(), 1u);
  EXPECT_EQ(w.service.deployments[0].rollout, Rollout::completed);
}

TEST(ServicePlan, WithoutHealthCheckTheOldTaskWaitsForTheNewOneToSettle) {
  World w(1);
  w.settle();
  w.deploy();
  w.step();
  w.run(w.observed.tasks.back());
  EXPECT_TRUE(w.step().stop.empty());
  EXPECT_EQ(w.look_again, kSettle);
  w.now += kSettle;
  EXPECT_EQ(w.step().stop.size(), 1u);
}

TEST(ServicePlan, ZeroMinimumAndHundredMaximumStopsFirst) {
  World w(2);
  w.service.minimum_healthy_percent = 0;
  w.service.maximum_percent = 100;
  w.settle();
  w.deploy();
  const ServicePlan first = w.step();
  EXPECT_EQ(first.stop.size(), 2u);
  EXPECT_EQ(w.alive().size(), 2u) << "replaced within the maximum";
}

TEST(ServicePlan, BoundsAreRoundedAsDocumented) {
  ServiceRecord s;
  s.desired_count = 3;
  s.minimum_healthy_percent = 50;
  s.maximum_percent = 150;
  EXPECT_EQ(fewest_healthy(s), 2);
  EXPECT_EQ(most_tasks(s), 4);
}

TEST(ServicePlan, SaysWhenBoundsBlockADeployment) {
  World w(1);
  w.service.maximum_percent = 150;
  w.settle();
  w.events.clear();
  w.deploy();
  w.step();
  w.step();
  EXPECT_THAT(w.events,
              ElementsAre(HasSubstr("was unable to stop or start tasks during a deployment")));
}

TEST(ServicePlan, ReplacesAStoppedTaskAtOnce) {
  World w(1);
  w.settle();
  w.now += minutes(10);
  w.crash(w.find(w.alive()[0]));
  EXPECT_EQ(w.step().start.size(), 1u);
  EXPECT_EQ(w.service.launch_failures, 0);
}

TEST(ServicePlan, ATaskStoppedByHandIsNoFailure) {
  World w(1);
  w.settle();
  TaskRecord& task = w.find(w.alive()[0]);
  task.stop_wanted = true;
  task.stop_code = "UserInitiated";
  EXPECT_EQ(w.step().start.size(), 1u);
  EXPECT_EQ(w.service.launch_failures, 0);
}

TEST(ServicePlan, CrashLoopSlowsDownAndIsTold) {
  World w(1);
  int launches = 0;
  const TimePoint end = w.now + std::chrono::hours(1);
  while (w.now < end) {
    const ServicePlan plan = w.step();
    launches += static_cast<int>(plan.start.size());
    if (!plan.start.empty()) {
      w.run(w.observed.tasks.back());
      w.now += Millis(300);
      w.crash(w.observed.tasks.back());
      continue;
    }
    ASSERT_TRUE(plan.look_again);
    w.now += *plan.look_again;
  }
  EXPECT_GE(launches, 15);
  EXPECT_LE(launches, 25) << "no busy loop";
  EXPECT_EQ(std::ranges::count_if(w.events,
                                  [](const std::string& e) {
                                    return e.find("is unable to consistently start tasks") !=
                                           std::string::npos;
                                  }),
            1);
  EXPECT_EQ(std::ranges::count_if(
                w.events,
                [](const std::string& e) { return e.find("steady state") != std::string::npos; }),
            0);
}

TEST(ServicePlan, ManyTasksFailingTogetherAreOneFailureOfTheLaunch) {
  World w(10);
  w.step();
  for (TaskRecord& t : w.observed.tasks) w.crash(t);
  w.step();
  EXPECT_EQ(w.service.launch_failures, 1);
  EXPECT_EQ(w.service.deployments[0].failed_tasks, 10);
  EXPECT_EQ(w.look_again, seconds(1));
  EXPECT_TRUE(w.step().counted.empty()) << "counted once";
}

TEST(ServicePlan, BreakerRollsBackToTheLastGoodDeployment) {
  World w(1);
  w.service.breaker = w.service.breaker_rollback = true;
  w.service.deployments[0].task_definition = "good:1";
  w.settle();
  w.deploy("bad:2");
  const std::string good = w.alive()[0];
  for (int i = 0; i < 40 && w.service.deployments[0].task_definition == "bad:2"; ++i) {
    w.step();
    for (TaskRecord& t : w.observed.tasks) {
      if (t.status < TaskStatus::running && !t.stop_wanted) w.crash(t);
    }
    EXPECT_EQ(w.serving(), 1) << "the old task serves on";
    w.now += seconds(30);
  }
  ASSERT_EQ(w.service.deployments[0].task_definition, "good:1");
  EXPECT_EQ(w.rollout().breaker, Monitor::triggered);
  EXPECT_THAT(w.events, testing::Contains(HasSubstr("deployment failed: tasks failed to start.")));
  w.settle();
  EXPECT_EQ(w.service.deployments.size(), 1u);
  EXPECT_EQ(w.service.deployments[0].rollout, Rollout::completed);
  EXPECT_THAT(w.alive(), ElementsAre(good)) << "the task that served all the time is not replaced";
  EXPECT_EQ(w.rollout().status, RolloutStatus::rollback_successful);
  EXPECT_EQ(w.rollout().failures, 3);
}

TEST(ServicePlan, ARequestedRollbackEndsWhatNeverServed) {
  World w(2);
  w.targets = {{.target_group = "group", .container = "app", .port = 80}};
  w.deploy("good:1");
  w.settle();
  const auto good = w.alive();
  w.deploy("mute:2");
  w.service.health_check_grace_s = 600;
  w.step();
  for (TaskRecord& t : w.observed.tasks) {
    if (t.status < TaskStatus::running) w.run(t);
    if (t.deployment == w.service.deployments[0].id) t.targets[0].state = TargetState::unhealthy;
  }
  w.step();
  EXPECT_EQ(w.alive().size(), 4u);
  w.rollout().status = RolloutStatus::rollback_requested;
  w.step();
  EXPECT_EQ(w.alive(), good) << "within the grace period, too";
  w.settle();
  EXPECT_EQ(w.rollout().status, RolloutStatus::rollback_successful);
}

TEST(ServicePlan, BreakerWithoutRollbackStopsLaunching) {
  World w(1);
  w.service.breaker = true;
  for (int i = 0; i < 20; ++i) {
    w.step();
    for (TaskRecord& t : w.observed.tasks) {
      if (t.status < TaskStatus::running && !t.stop_wanted) w.crash(t);
    }
    w.now += minutes(1);
  }
  EXPECT_EQ(w.observed.tasks.size(), 3u);
  EXPECT_EQ(w.service.deployments[0].rollout, Rollout::failed);
  EXPECT_EQ(w.rollout().status, RolloutStatus::stopped);
}

TEST(ServicePlan, AWatchedDeploymentCompletesWhenNoAlarmHasComeForAMinute) {
  World w(2);
  w.settle();
  w.service.settings.alarms = {"errors"};
  w.service.settings.alarms_enabled = true;
  w.deploy("app:2");
  for (int i = 0; i < 8; ++i) {
    w.step();
    w.progress();
    w.now += kSettle;
  }
  EXPECT_EQ(w.rollout().stage, Stage::bake_time);
  EXPECT_EQ(w.rollout().alarms, Monitor::monitoring);
  EXPECT_EQ(w.serving(), 2) << "the old tasks are gone: rolling, unlike blue/green";
  w.now = w.rollout().stage_at + kAlarmBake;
  w.step();
  EXPECT_EQ(w.rollout().status, RolloutStatus::successful);
  EXPECT_EQ(w.rollout().alarms, Monitor::complete);
  w.observed.alarms = {"errors"};
  EXPECT_TRUE(w.step().idle()) << "it is over";
}

TEST(ServicePlan, AnAlarmWithoutRollbackStopsTheDeploymentWhereItIs) {
  World w(2);
  w.settle();
  w.service.settings.alarms = {"errors", "latency"};
  w.service.settings.alarms_enabled = true;
  w.deploy("app:2");
  w.step();
  w.observed.alarms = {"errors", "latency"};
  w.step();
  EXPECT_EQ(w.rollout().status, RolloutStatus::stopped);
  EXPECT_EQ(w.rollout().reason, "ECS deployment alarms: alarm detected: errors, latency.");
  EXPECT_EQ(w.rollout().triggered_alarms, (std::vector<std::string>{"errors", "latency"}));
  EXPECT_EQ(w.service.deployments[0].rollout, Rollout::failed);
  EXPECT_EQ(w.service.deployments[0].task_definition, "app:2") << "nothing goes back";
  EXPECT_GE(w.serving(), 2);
}

TEST(ServicePlan, UnhealthyTaskIsReplacedBeforeItGoes) {
  World w(2);
  w.health_checks = true;
  w.settle();
  TaskRecord& sick = w.find(w.alive()[0]);
  sick.containers[0].health = Health::unhealthy;
  const std::string sick_id = sick.id;
  ServicePlan plan = w.step();
  EXPECT_EQ(plan.start.size(), 1u);
  EXPECT_TRUE(plan.stop.empty());
  w.run(w.observed.tasks.back(), Health::unknown);
  EXPECT_TRUE(w.step().idle());
  w.observed.tasks.back().containers[0].health = Health::healthy;
  plan = w.step();
  ASSERT_EQ(plan.stop.size(), 1u);
  EXPECT_EQ(plan.stop[0].task, sick_id);
  EXPECT_EQ(plan.stop[0].reason, "Task failed container health checks");
}

TEST(ServicePlan, UnhealthyTaskGoesAtOnceWhereThereIsNoRoom) {
  World w(1);
  w.service.minimum_healthy_percent = 0;
  w.service.maximum_percent = 100;
  w.health_checks = true;
  w.settle();
  w.now += minutes(10);
  w.find(w.alive()[0]).containers[0].health = Health::unhealthy;
  const ServicePlan plan = w.step();
  EXPECT_EQ(plan.stop.size(), 1u);
  EXPECT_EQ(plan.start.size(), 1u);
}

TEST(ServicePlan, ScaleInTakesFromTheFullestZoneTheYoungest) {
  World w(2);
  w.settle();
  w.service.desired_count = 3;
  w.settle();
  const std::string youngest = w.alive().back();
  w.service.desired_count = 2;
  const ServicePlan plan = w.step();
  ASSERT_EQ(plan.stop.size(), 1u);
  EXPECT_EQ(plan.stop[0].task, youngest);
}

TEST(ServicePlan, DrainsThenBecomesInactive) {
  World w(2);
  w.settle();
  w.service.status = ServiceStatus::draining;
  EXPECT_EQ(w.step().stop.size(), 2u);
  EXPECT_EQ(w.service.status, ServiceStatus::draining);
  w.progress();
  w.step();
  EXPECT_EQ(w.service.status, ServiceStatus::inactive);
  EXPECT_TRUE(w.step().idle());
}

// Whatever happens, the bounds hold at every step and, once the world is quiet, what is wanted
// runs.
TEST(ServicePlanProperty, KeepsItsBoundsAndConverges) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    World w(static_cast<int>(random.below(5)));
    w.health_checks = random.below(2) == 1;
    static constexpr std::pair<int, int> kBounds[] = {{100, 200}, {0, 100},   {50, 100},
                                                      {50, 200},  {100, 150}, {0, 200}};
    const auto [min, max] = kBounds[random.below(6)];
    w.service.minimum_healthy_percent = min;
    w.service.maximum_percent = max;
    w.service.breaker = w.service.breaker_rollback = random.below(4) == 0;
    for (int i = 0; i < 120; ++i) {
      int steps = 0;
      for (bool idle = false; !idle; ++steps) {
        ASSERT_LT(steps, 6) << "plans that are carried out leave nothing to do";
        const int serving = w.serving();
        const ServicePlan plan = w.step();
        idle = plan.idle();
        // Starting never takes the service above its maximum.
        if (!plan.start.empty())
          ASSERT_LE(static_cast<int>(w.alive().size()), most_tasks(w.service));
        // Stopping never takes it below its minimum.
        if (w.serving() < serving) ASSERT_GE(w.serving(), fewest_healthy(w.service));
      }
      ASSERT_EQ(std::ranges::count_if(w.service.deployments, &DeploymentRecord::primary), 1);
      switch (random.below(8)) {
        case 0:
          w.deploy();
          break;
        case 1:
          w.service.desired_count = static_cast<int>(random.below(6));
          break;
        case 2:
        case 3:
          for (TaskRecord& t : w.observed.tasks) {
            if (t.status < TaskStatus::stopped && random.below(4) == 0 && !t.stop_wanted)
              w.crash(t);
          }
          break;
        case 4:
          for (TaskRecord& t : w.observed.tasks) {
            if (w.health_checks && t.status == TaskStatus::running && random.below(3) == 0)
              t.containers[0].health = random.below(2) ? Health::unhealthy : Health::healthy;
          }
          break;
        default:
          for (TaskRecord& t : w.observed.tasks) {
            if (t.stop_wanted && random.below(2)) t.status = TaskStatus::stopped;
            if (!t.stop_wanted && t.status < TaskStatus::running && random.below(2)) w.run(t);
          }
      }
      w.now += Millis(random.below(20'000));
    }
    w.now += kMostThrottle;
    const bool blocked =
        w.service.desired_count > 0 && fewest_healthy(w.service) == most_tasks(w.service);
    for (TaskRecord& t : w.observed.tasks) {
      if (t.status == TaskStatus::running && w.health_checks)
        t.containers[0].health = Health::healthy;
    }
    w.settle();
    if (blocked || w.service.deployments[0].rollout == Rollout::failed) continue;
    EXPECT_EQ(w.serving(), w.service.desired_count);
    EXPECT_EQ(static_cast<int>(w.alive().size()), w.service.desired_count);
    EXPECT_EQ(w.service.deployments.size(), 1u);
    EXPECT_TRUE(w.step().idle());
  }
}

}  // namespace
}  // namespace landfall::ecs
