#include "services/application_autoscaling/controller/target_controller.h"

#include <gtest/gtest.h>

#include "services/application_autoscaling/explain.h"
#include "services/ecs/testing.h"
#include "store/testing.h"
#include "wire/application_autoscaling/operations.h"

namespace landfall::application_autoscaling {
namespace {

using namespace std::chrono_literals;
using cloudwatch::AlarmState;

class FakeServices final : public ecs::Port {
 public:
  std::map<std::string, ecs::ServiceScale> services;  // by CLUSTER/SERVICE
  bool lazy = false;  // tasks do not follow the desired count by themselves
  int told = 0;

  ecs::ServiceScale& add(const std::string& cluster, const std::string& service, int desired) {
    ecs::ServiceScale& scale = services[cluster + "/" + service];
    scale.arn = "arn:aws:ecs:us-west-1:123456789012:service/" + cluster + "/" + service;
    scale.cluster = cluster;
    scale.service = service;
    scale.desired = scale.running = desired;
    return scale;
  }
  std::optional<ecs::ServiceScale> find_service(const Scope&, const std::string& cluster,
                                                const std::string& service) const override {
    const auto found = services.find(cluster + "/" + service);
    return found == services.end() ? std::nullopt : std::optional(found->second);
  }
  task<Result<void>> set_desired_count(Scope, std::string cluster, std::string service,
                                       int count) override {
    const auto found = services.find(cluster + "/" + service);
    if (found == services.end()) co_return fail("ServiceNotFoundException", "Service not found.");
    ++told;
    found->second.desired = count;
    if (!lazy) found->second.running = count;
    co_return Result<void>();
  }
};

class FakeCloudwatch final : public cloudwatch::Port {
 public:
  struct Held {
    cloudwatch::AlarmSettings settings;
    cloudwatch::AlarmState state = cloudwatch::AlarmState::insufficient_data;
  };
  std::map<std::string, Held> alarms;
  std::vector<cloudwatch::Point> points;
  std::vector<cloudwatch::Sample> samples;
  std::vector<cloudwatch::ActionHandler> handlers;
  std::optional<Error> refuse;  // put_alarm

  task<Result<void>> put(Scope, std::vector<cloudwatch::Sample> more) override {
    samples.insert(samples.end(), more.begin(), more.end());
    co_return Result<void>();
  }
  std::vector<cloudwatch::Point> statistics(
      const Scope&, const cloudwatch::StatisticQuery& query) const override {
    std::vector<cloudwatch::Point> out;
    for (const cloudwatch::Point& point : points) {
      if (point.time >= query.from && point.time < query.to) out.push_back(point);
    }
    return out;
  }
  std::optional<cloudwatch::AlarmView> alarm(const Scope&, const std::string& name) const override {
    const auto found = alarms.find(name);
    if (found == alarms.end()) return {};
    return cloudwatch::AlarmView{.name = name, .arn = "arn:" + name, .state = found->second.state};
  }
  std::vector<std::string> alarms_with_action(const Scope&,
                                              const std::string& action) const override {
    std::vector<std::string> out;
    for (const auto& [name, held] : alarms) {
      if (std::ranges::find(held.settings.alarm_actions, action) !=
          held.settings.alarm_actions.end())
        out.push_back(name);
    }
    return out;
  }
  task<Result<void>> put_alarm(Scope, cloudwatch::AlarmSettings settings) override {
    if (refuse) co_return std::unexpected(*refuse);
    const std::string name = settings.name;
    alarms[name].settings = std::move(settings);
    co_return Result<void>();
  }
  task<Result<void>> delete_alarms(Scope, std::vector<std::string> names) override {
    for (const std::string& name : names) alarms.erase(name);
    co_return Result<void>();
  }
  void add_action_handler(cloudwatch::ActionHandler handler) override {
    handlers.push_back(std::move(handler));
  }

  // The alarm goes into a state and tells whom it has as its action.
  task<void> go(Scope scope, std::string name, cloudwatch::AlarmState state,
                std::vector<cloudwatch::Point> recent) {
    Held& held = alarms.at(name);
    held.state = state;
    cloudwatch::AlarmTransition transition;
    transition.scope = scope;
    transition.alarm = *alarm(scope, name);
    transition.threshold = held.settings.threshold;
    transition.comparison = held.settings.comparison;
    transition.recent = std::move(recent);
    for (const std::string& action : held.settings.alarm_actions)
      (void)co_await handlers.at(0).invoke(action, transition);
  }
};

struct TestScaling {
  store::TestStore test;
  SeededRandom random{7};
  ecs::FakeIam iam;
  FakeServices services;
  FakeCloudwatch cloudwatch;
  ApplicationAutoscaling scaling{test.loop, *test.store, test.clock, random,
                                 iam,       services,    cloudwatch};
  std::unique_ptr<TargetController> controller;

  RequestContext context() const {
    RequestContext ctx;
    ctx.scope = {"123456789012", "us-west-1"};
    ctx.principal.account = "123456789012";
    ctx.now = test.clock.now();
    return ctx;
  }
  void start() {
    controller = std::make_unique<TargetController>(scaling);
    controller->start();
  }
  task<void> stop() {
    if (controller) co_await controller->stop();
    controller.reset();
  }
  task<void> pass(Millis time) {
    test.clock.advance(time);
    controller->clock_moved();
    for (int i = 0; i < 4; ++i) co_await controller->settle();
  }
};

// Must be awaited in a coroutine.
#define GET(name, ...)                                         \
  auto name##_result = (__VA_ARGS__);                          \
  EXPECT_TRUE(name##_result) << name##_result.error().message; \
  if (!name##_result) co_return;                               \
  auto& name = *name##_result

constexpr const char* kResource = "service/c/web";

RegisterScalableTargetRequest registration(std::optional<int> low, std::optional<int> high) {
  RegisterScalableTargetRequest in;
  in.service_namespace = "ecs";
  in.resource_id = kResource;
  in.scalable_dimension = "ecs:service:DesiredCount";
  in.min_capacity = low;
  in.max_capacity = high;
  return in;
}

PutScalingPolicyRequest tracking_policy(const std::string& name, double target) {
  PutScalingPolicyRequest in;
  in.policy_name = name;
  in.service_namespace = "ecs";
  in.resource_id = kResource;
  in.scalable_dimension = "ecs:service:DesiredCount";
  in.policy_type = "TargetTrackingScaling";
  auto& settings = in.target_tracking_scaling_policy_configuration.emplace();
  settings.target_value = target;
  settings.predefined_metric_specification.emplace().predefined_metric_type =
      "ECSServiceAverageCPUUtilization";
  return in;
}

task<std::vector<std::string>> activities(TestScaling& world) {
  DescribeScalingActivitiesRequest in;
  in.service_namespace = "ecs";
  in.include_not_scaled_activities = true;
  std::vector<std::string> out;
  auto found = co_await describe_scaling_activities(world.scaling, world.context(), std::move(in));
  if (!found) co_return out;
  for (const ScalingActivity& activity : found->scaling_activities) {
    out.push_back(fmt::format("{} {}", activity.status_code,
                              activity.not_scaled_reasons.empty()
                                  ? activity.status_message.value_or("")
                                  : activity.not_scaled_reasons.front().code));
  }
  co_return out;
}

task<void> scales_out_and_in(TestScaling& world) {
  world.services.add("c", "web", 1);
  world.start();
  GET(made, co_await register_scalable_target(world.scaling, world.context(), registration(1, 4)));
  EXPECT_TRUE(made.scalable_target_arn->starts_with(
      "arn:aws:application-autoscaling:us-west-1:123456789012:scalable-target/"));
  GET(policy,
      co_await put_scaling_policy(world.scaling, world.context(), tracking_policy("cpu", 50)));
  EXPECT_EQ(policy.alarms.size(), 2U);
  if (policy.alarms.size() != 2) co_return;
  const std::string high = policy.alarms[0].alarm_name, low = policy.alarms[1].alarm_name;
  EXPECT_TRUE(high.starts_with("TargetTracking-service/c/web-AlarmHigh-")) << high;
  const auto& settings = world.cloudwatch.alarms.at(low).settings;
  EXPECT_DOUBLE_EQ(settings.threshold, 45);
  EXPECT_EQ(settings.evaluation_periods, 15);
  EXPECT_EQ(settings.metric.dimensions.at("ServiceName"), "web");

  const Scope scope = world.context().scope;
  const TimePoint now = world.test.clock.now();
  world.cloudwatch.points = {{now - 2min, 140}};
  co_await world.cloudwatch.go(scope, high, AlarmState::alarm, world.cloudwatch.points);
  co_await world.pass(1s);
  EXPECT_EQ(world.services.services["c/web"].desired, 3);
  const auto told = co_await activities(world);
  EXPECT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0],
            "Successful Successfully set desired count to 3. Change successfully "
            "fulfilled by ecs.");
  // In the cool-down, and still in ALARM: nothing more.
  co_await world.pass(60s);
  EXPECT_EQ(world.services.told, 1);
  // Idle: the low alarm, with datapoints that are newer than the change.
  co_await world.cloudwatch.go(scope, high, AlarmState::ok, {});
  world.test.clock.advance(10min);
  world.cloudwatch.points = {{world.test.clock.now() - 3min, 2}};
  co_await world.cloudwatch.go(scope, low, AlarmState::alarm, world.cloudwatch.points);
  co_await world.pass(1s);
  EXPECT_EQ(world.services.services["c/web"].desired, 1);

  // Deregistering takes everything along.
  DeregisterScalableTargetRequest gone;
  gone.service_namespace = "ecs";
  gone.resource_id = kResource;
  gone.scalable_dimension = "ecs:service:DesiredCount";
  GET(done, co_await deregister_scalable_target(world.scaling, world.context(), gone));
  (void)done;
  EXPECT_TRUE(world.cloudwatch.alarms.empty());
  EXPECT_TRUE(
      world.test.store->range("/application-autoscaling/123456789012/us-west-1/policies/").empty());
  co_await world.stop();
}

TEST(TargetController, ScalesOutAndIn) {
  TestScaling world;
  world.test.loop.run(scales_out_and_in(world));
}

// The change is on disk, ECS has not been told, and the server dies.
task<void> a_crash_between_two_steps(TestScaling& world) {
  world.services.add("c", "web", 1);
  GET(made, co_await register_scalable_target(world.scaling, world.context(), registration(1, 4)));
  (void)made;
  const Tables tables = world.scaling.tables(world.context().scope);
  ActivityRecord activity{.id = "a", .status = "Pending", .started = world.test.clock.now()};
  auto row = *tables.targets.get("c/web");
  row.value.enforce = false;
  row.value.change = ChangeRecord{
      .activity = "a", .policy = "cpu", .base = 1, .to = 3, .started = world.test.clock.now()};
  GET(written, co_await world.test.store->commit(
                   {{},
                    {tables.targets.put("c/web", row.value),
                     tables.activities.put(activity_id("c/web", activity), activity)}}));
  (void)written;
  world.services.lazy = true;
  world.start();
  co_await world.pass(1s);
  EXPECT_EQ(world.services.services["c/web"].desired, 3);
  EXPECT_EQ((co_await activities(world)).at(0),
            "InProgress Successfully set desired count to 3. Waiting for change to be fulfilled by "
            "ecs.");
  world.services.services["c/web"].running = 3;
  co_await world.pass(2s);
  EXPECT_EQ(
      (co_await activities(world)).at(0),
      "Successful Successfully set desired count to 3. Change successfully fulfilled by ecs.");
  EXPECT_EQ(world.services.told, 1);
  co_await world.stop();
}

TEST(TargetController, ACrashBetweenTwoStepsIsFollowedByTheSameStep) {
  TestScaling world;
  world.test.loop.run(a_crash_between_two_steps(world));
}

task<void> bounds_and_alarms_that_vanish(TestScaling& world) {
  world.services.add("c", "web", 1);
  world.start();
  GET(made, co_await register_scalable_target(world.scaling, world.context(), registration(2, 4)));
  (void)made;
  GET(policy,
      co_await put_scaling_policy(world.scaling, world.context(), tracking_policy("cpu", 50)));
  (void)policy;
  co_await world.pass(1s);
  EXPECT_EQ(world.services.services["c/web"].desired, 2);
  const auto alarms = world.cloudwatch.alarms;
  world.cloudwatch.alarms.clear();
  GET(again,
      co_await register_scalable_target(world.scaling, world.context(), registration(3, {})));
  (void)again;
  co_await world.pass(1s);
  EXPECT_EQ(world.services.services["c/web"].desired, 3);
  EXPECT_EQ(world.cloudwatch.alarms.size(), 2U);
  EXPECT_EQ(world.cloudwatch.alarms.begin()->first, alarms.begin()->first);
  co_await world.stop();
}

TEST(TargetController, EnforcesBoundsAndMakesAlarmsAgain) {
  TestScaling world;
  world.test.loop.run(bounds_and_alarms_that_vanish(world));
}

task<void> a_refused_policy_leaves_nothing(TestScaling& world) {
  world.services.add("c", "web", 1);
  GET(made, co_await register_scalable_target(world.scaling, world.context(), registration(1, 4)));
  (void)made;
  world.cloudwatch.refuse = Error{"ValidationError", "bad expression"};
  const auto refused =
      co_await put_scaling_policy(world.scaling, world.context(), tracking_policy("cpu", 50));
  EXPECT_FALSE(refused);
  EXPECT_TRUE(world.scaling.tables(world.context().scope).policies.list().empty());
  world.cloudwatch.refuse.reset();
  GET(policy,
      co_await put_scaling_policy(world.scaling, world.context(), tracking_policy("cpu", 50)));
  (void)policy;
  const auto second =
      co_await put_scaling_policy(world.scaling, world.context(), tracking_policy("more", 60));
  EXPECT_EQ(second.error().message,
            "Only one TargetTrackingScaling policy for a given metric specification is allowed.");
}

TEST(PutScalingPolicy, LeavesNothingWhenItsAlarmsAreRefused) {
  TestScaling world;
  world.test.loop.run(a_refused_policy_leaves_nothing(world));
}

task<void> why_it_does_not_scale(TestScaling& world) {
  world.services.add("c", "web", 4);
  GET(made, co_await register_scalable_target(world.scaling, world.context(), registration(1, 4)));
  const std::string arn = *made.scalable_target_arn;
  Signals signals;
  const Scope scope = world.context().scope;
  const auto reasons = [&](std::string about) -> task<std::string> {
    const auto found = co_await explain(world.scaling, signals, scope, about);
    std::string out;
    if (found) {
      for (const auto& finding : found->findings) out += finding.reason + " ";
    }
    co_return out;
  };
  EXPECT_EQ(co_await reasons(arn), "NoPolicy ");
  GET(policy,
      co_await put_scaling_policy(world.scaling, world.context(), tracking_policy("cpu", 50)));
  EXPECT_EQ(co_await reasons("web"), "MetricMissing ");
  auto& high = world.cloudwatch.alarms.at(policy.alarms[0].alarm_name);
  auto& low = world.cloudwatch.alarms.at(policy.alarms[1].alarm_name);
  high.state = AlarmState::alarm;
  low.state = AlarmState::ok;
  world.cloudwatch.points = {{world.test.clock.now() - 2min, 80}};
  EXPECT_EQ(co_await reasons(kResource), "AboveTarget AlreadyAtMaxCapacity ");
  EXPECT_EQ(co_await reasons(policy.policy_arn), "AboveTarget AlreadyAtMaxCapacity ");
  high.state = AlarmState::ok;
  EXPECT_EQ(co_await reasons("arn:aws:ecs:us-west-1:123456789012:service/c/web"), "AtTarget ");
  world.services.services.clear();
  EXPECT_EQ(co_await reasons(arn), "ServiceMissing ");
  EXPECT_EQ(co_await reasons("other"), "");
}

TEST(Explain, WhyItDoesNotScale) {
  TestScaling world;
  world.test.loop.run(why_it_does_not_scale(world));
}

}  // namespace
}  // namespace landfall::application_autoscaling
