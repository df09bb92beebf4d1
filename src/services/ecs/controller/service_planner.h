// What the three files of service_plan.h share: the plan under work.
#pragma once

#include "services/ecs/controller/service_plan.h"

namespace landfall::ecs {

struct ServicePlanner {
  const ServiceRecord& before;
  const Observed& observed;
  TimePoint now;
  ServicePlan plan;
  ServiceRecord& next = plan.next;

  std::vector<const TaskRecord*> primary;  // alive: neither stopped nor asked to stop
  std::vector<const TaskRecord*> old;
  std::set<std::string> stopping;  // decided here

  void run();

  // service_plan.cpp
  void sort_tasks();
  void count_failures();
  void count_failure(const TaskRecord& task);

  // rollout_plan.cpp
  RolloutRecord* rollout();  // the one under way
  void begin_rollout();
  void watch_rollout();
  void fail_rollout(std::string said, std::string reason, std::string by, bool back);
  void roll_back(std::string reason, std::string by);
  void end_rollout(RolloutStatus status, std::string reason);
  void enter(Stage stage);
  bool baked();
  void complete_deployment();

  // blue_green_plan.cpp
  bool blue_green();
  void run_blue_green();
  bool shift_traffic();
  bool shift(const std::string& rule, const ServiceTarget& target, double alternate);
  void shift_further();
  bool shift_in_steps();
  void keep_serving();

  // service_plan.cpp
  void replace_unhealthy(int missing, int room);
  void scale_in();
  int make_room(int missing, int room);
  void retire_old();
  void launch(const DeploymentRecord& deployment, const std::vector<const TaskRecord*>& beside,
              int count);
  void launch_missing();
  void settle_deployments();
  void tell_steady();
  void drain();

  DeploymentRecord* primary_deployment();
  std::string about(std::string_view text) const {
    return fmt::format("(service {}) {}", before.name, text);
  }
  std::string scaling_reason() {
    const DeploymentRecord* deployment = primary_deployment();
    return fmt::format("Scaling activity initiated by (deployment {})",
                       deployment ? deployment->id : "none");
  }
  void stop(const TaskRecord& task, std::string reason) {
    if (stopping.insert(task.id).second) plan.stop.push_back({task.id, std::move(reason)});
  }
  std::string zone_of(const std::string& subnet) const {
    const auto zone = observed.zones.find(subnet);
    return zone == observed.zones.end() ? subnet : zone->second;
  }
  bool stays(const TaskRecord* task) const { return !stopping.contains(task->id); }
  void look_again(Millis after) {
    after = std::max(after, Millis(1));
    if (!plan.look_again || after < *plan.look_again) plan.look_again = after;
  }
  // Counts towards the healthy ones. A task whose settling time runs is looked at again when it is
  // over.
  bool settled(const TaskRecord& task) {
    if (!task.running_and_healthy()) return false;
    if (task.health() || !task.targets.empty()) return true;
    const Millis age = now - task.started_at;
    if (age >= kSettle || age < Millis(0))
      return true;  // a clock set back must not hold up a deployment
    look_again(kSettle - age);
    return false;
  }
  // A load balancer's verdict counts after the grace period only.
  bool unhealthy(const TaskRecord& task) {
    if (task.health() == Health::unhealthy) return true;
    if (task.status != TaskStatus::running || !task.unhealthy_target()) return false;
    const Millis grace = std::chrono::seconds(before.health_check_grace_s.value_or(0));
    const Millis age = now - task.started_at;
    if (age >= grace || age < Millis(0)) return true;
    look_again(grace - age);
    return false;
  }
  int settled_in(const std::vector<const TaskRecord*>& tasks) {
    int n = 0;
    for (const TaskRecord* task : tasks) {
      if (stays(task) && settled(*task)) ++n;
    }
    return n;
  }
  int healthy_in(const std::vector<const TaskRecord*>& tasks) const {
    return static_cast<int>(std::ranges::count_if(
        tasks, [&](const TaskRecord* t) { return stays(t) && t->running_and_healthy(); }));
  }
  int alive_in(const std::vector<const TaskRecord*>& tasks) const {
    return static_cast<int>(
        std::ranges::count_if(tasks, [&](const TaskRecord* t) { return stays(t); }));
  }
};

}  // namespace landfall::ecs
