// For tests: a service and its tasks, moved forward by hand.
#pragma once

#include "base/random.h"
#include "services/ecs/controller/service_plan.h"
#include "services/ecs/service_request.h"

namespace landfall::ecs {

using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr TimePoint kStart = TimePoint(seconds(1'700'000'000));

// A service and its tasks, moved forward by hand: what the controllers do, without the I/O.
struct World {
  ServiceRecord service;
  Observed observed;
  SeededRandom random{1};
  std::vector<ServiceTarget> targets;
  std::vector<Shift> shifts;  // carried out so far
  TimePoint now = kStart;
  std::vector<std::string> events;
  bool health_checks = false;
  int next_id = 0;
  std::optional<Millis> look_again;

  explicit World(int desired) {
    service.name = "web";
    service.desired_count = desired;
    observed.zones = {{"subnet-a", "us-west-1a"}, {"subnet-b", "us-west-1c"}};
    deploy();
  }

  void deploy(std::string task_definition = "app:1") {
    begin_deployment(random, service, std::move(task_definition),
                     {.subnets = {"subnet-a", "subnet-b"}}, targets, now);
    // Short and in order.
    service.deployments.front().id = service.rollouts.front().target.id =
        fmt::format("ecs-svc/{}", ++next_id);
  }
  RolloutRecord& rollout() { return service.rollouts.front(); }

  ServicePlan step() {
    ServicePlan plan = plan_service(service, observed, now);
    service = plan.next;
    service.rollouts.resize(std::min<std::size_t>(service.rollouts.size(), 1));
    for (const Shift& shift : plan.shifts) {
      observed.traffic[shift.rule] = shift.weights;
      shifts.push_back(shift);
    }
    for (const auto& stop : plan.stop) {
      TaskRecord& task = find(stop.task);
      task.stop_wanted = true;
      task.stop_code = "ServiceSchedulerInitiated";
      task.stopped_reason = stop.reason;
      task.stopping_at = now;
    }
    for (const std::string& id : plan.counted) find(id).failure_counted = true;
    for (const auto& start : plan.start) {
      TaskRecord task;
      task.id = fmt::format("t{:04}", ++next_id);
      task.deployment = start.deployment;
      task.subnet = start.subnet;
      task.created_at = now;
      const auto of =
          std::ranges::find(service.deployments, start.deployment, &DeploymentRecord::id);
      for (const ServiceTarget& target : of->targets)
        task.targets.push_back({.target_group = group_of(*of, target),
                                .container = target.container,
                                .port = target.port});
      TaskContainer container;
      container.has_health_check = health_checks;
      task.containers.push_back(container);
      observed.tasks.push_back(task);
    }
    events.insert(events.end(), plan.events.begin(), plan.events.end());
    look_again = plan.look_again;
    return plan;
  }

  TaskRecord& find(const std::string& id) {
    for (TaskRecord& t : observed.tasks) {
      if (t.id == id) return t;
    }
    throw std::out_of_range(id);
  }
  void run(TaskRecord& task, Health health = Health::healthy) {
    task.status = TaskStatus::running;
    task.started_at = now;
    if (health_checks) task.containers[0].health = health;
    for (TaskTarget& target : task.targets) {
      target.registered = true;
      target.state = TargetState::healthy;
    }
  }
  void crash(TaskRecord& task) {
    task.stop_wanted = true;
    task.status = TaskStatus::stopped;
    task.stop_code = "EssentialContainerExited";
    task.stopping_at = task.stopped_at = now;
  }
  // Every task does what it is meant to.
  void progress() {
    for (TaskRecord& t : observed.tasks) {
      if (t.stop_wanted) {
        t.status = TaskStatus::stopped;
      } else if (t.status < TaskStatus::running) {
        run(t);
      }
    }
  }
  void settle() {
    for (int i = 0; i < 40; ++i) {
      step();
      progress();
      now += kSettle;
    }
    step();
  }
  std::vector<std::string> alive() const {
    std::vector<std::string> ids;
    for (const TaskRecord& t : observed.tasks) {
      if (!t.stop_wanted && t.status != TaskStatus::stopped) ids.push_back(t.id);
    }
    return ids;
  }
  int serving() const {
    return static_cast<int>(std::ranges::count_if(
        observed.tasks, [](const TaskRecord& t) { return t.running_and_healthy(); }));
  }
};

}  // namespace landfall::ecs
