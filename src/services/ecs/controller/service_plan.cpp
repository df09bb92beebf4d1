#include "services/ecs/controller/service_plan.h"

namespace landfall::ecs {
namespace {

struct Planner {
  const ServiceRecord& before;
  const Observed& observed;
  TimePoint now;
  ServicePlan plan;
  ServiceRecord& next = plan.next;

  std::vector<const TaskRecord*> primary;  // alive: neither stopped nor asked to stop
  std::vector<const TaskRecord*> old;
  std::set<std::string> stopping;  // decided here

  void run();
  void sort_tasks();
  void count_failures();
  void count_failure(const TaskRecord& task);
  void trip_breaker();
  void replace_unhealthy(int missing, int room);
  void scale_in();
  int make_room(int missing, int room);
  void retire_old();
  void launch(int count);
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

bool failed_by_itself(const TaskRecord& task) {
  return task.stop_code == "EssentialContainerExited" || task.stop_code == "TaskFailedToStart" ||
         task.stop_code == "SpotInterruption";
}

DeploymentRecord* Planner::primary_deployment() {
  for (DeploymentRecord& d : next.deployments) {
    if (d.primary) return &d;
  }
  return nullptr;
}

void Planner::sort_tasks() {
  const DeploymentRecord* deployment = primary_deployment();
  primary.clear();
  old.clear();
  for (const TaskRecord& task : observed.tasks) {
    if (task.stop_wanted || task.status == TaskStatus::stopped) continue;
    (deployment && task.deployment == deployment->id ? primary : old).push_back(&task);
  }
}

void Planner::count_failure(const TaskRecord& task) {
  plan.counted.push_back(task.id);
  for (DeploymentRecord& d : next.deployments) {
    if (d.id != task.deployment) continue;
    ++d.failed_tasks;
    d.updated_at = now;
  }
  const DeploymentRecord* deployment = primary_deployment();
  if (!deployment || task.deployment != deployment->id) return;
  const TimePoint ended = task.stopping_at == TimePoint{} ? now : task.stopping_at;
  const bool quick = task.started_at == TimePoint{} || ended - task.started_at < kQuickFailure;
  if (!quick) {
    next.launch_failures = 0;
    next.throttle_told = false;
    return;
  }
  // Tasks launched before the pause that is in force fail for the same cause: they do not prolong
  // it.
  if (task.created_at < next.not_before) return;
  ++next.launch_failures;
  next.not_before = now + throttle_delay(next.launch_failures);
}

void Planner::count_failures() {
  for (const TaskRecord& task : observed.tasks) {
    if (!task.failure_counted && task.stop_wanted && failed_by_itself(task)) count_failure(task);
  }
  if (next.launch_failures >= kFailuresToTell && !next.throttle_told) {
    next.throttle_told = true;
    plan.events.push_back(
        about("is unable to consistently start tasks successfully. For more information, see the "
              "Troubleshooting section of the Amazon ECS Developer Guide."));
  }
}

void Planner::trip_breaker() {
  DeploymentRecord* deployment = primary_deployment();
  if (!next.breaker || !deployment || deployment->rollout != Rollout::in_progress) return;
  if (deployment->failed_tasks < breaker_threshold(next.desired_count)) return;
  deployment->rollout = Rollout::failed;
  deployment->rollout_reason = "ECS deployment circuit breaker: tasks failed to start.";
  deployment->updated_at = now;
  plan.events.push_back(about(
      fmt::format("(deployment {}) deployment failed: tasks failed to start.", deployment->id)));
  if (!next.breaker_rollback || !next.last_good || observed.fresh_deployment_id.empty()) return;
  DeploymentRecord back = *next.last_good;
  back.id = observed.fresh_deployment_id;
  back.primary = true;
  back.rollout = Rollout::in_progress;
  back.rollout_reason = fmt::format(
      "ECS deployment circuit breaker: rolling back to deploymentId {}.", next.last_good->id);
  back.failed_tasks = 0;
  back.created_at = back.updated_at = now;
  deployment->primary = false;
  deployment->desired = 0;
  plan.events.push_back(about(fmt::format("rolling back to deployment {}.", next.last_good->id)));
  next.deployments.insert(next.deployments.begin(), std::move(back));
  next.launch_failures = 0;
  next.not_before = {};
  next.throttle_told = false;
  sort_tasks();
}

// A replacement starts first where there is room for it; the unhealthy task goes when it is not
// needed any more. While a deployment is under way, its unhealthy tasks go at once.
void Planner::replace_unhealthy(int missing, int room) {
  const DeploymentRecord* deployment = primary_deployment();
  const bool rolling = deployment->rollout == Rollout::in_progress;
  int surplus = settled_in(primary) - next.desired_count;
  int stuck = missing - std::max(room, 0);
  for (const TaskRecord* task : primary) {
    if (!unhealthy(*task)) continue;
    const bool replaced = surplus >= 0;
    if (!rolling && !replaced && stuck <= 0) continue;
    --stuck;
    const TaskTarget* target =
        task->health() == Health::unhealthy ? nullptr : task->unhealthy_target();
    plan.events.push_back(about(
        target ? fmt::format("(port {}) is unhealthy in (target-group {}) due to (reason {}).",
                             target->port, target->target_group, target->reason)
               : fmt::format("(task {}) failed container health checks.", task->id)));
    if (!task->failure_counted) count_failure(*task);
    stop(*task, target ? fmt::format("Task failed ELB health checks in (target-group {})",
                                     target->target_group)
                       : "Task failed container health checks");
  }
}

// Tasks beyond the desired count: those that do not serve yet first, then from the fullest zone,
// the youngest. (Unhealthy ones go by replace_unhealthy.)
void Planner::scale_in() {
  std::vector<const TaskRecord*> good;
  std::map<std::string, int> by_zone;
  for (const TaskRecord* task : primary) {
    if (!stays(task) || unhealthy(*task)) continue;
    good.push_back(task);
    ++by_zone[zone_of(task->subnet)];
  }
  while (static_cast<int>(good.size()) > next.desired_count) {
    const auto worst = std::ranges::max_element(good, {}, [&](const TaskRecord* t) {
      return std::tuple(t->status < TaskStatus::running, by_zone[zone_of(t->subnet)], t->created_at,
                        t->id);
    });
    stop(**worst, scaling_reason());
    --by_zone[zone_of((*worst)->subnet)];
    good.erase(worst);
  }
}

// Old tasks that must go so that new ones may start, down to the minimum of healthy ones.
int Planner::make_room(int missing, int room) {
  const int wanted = missing - std::max(room, 0);
  if (wanted <= 0) return 0;
  return std::min(wanted, settled_in(primary) + healthy_in(old) - fewest_healthy(next));
}

void Planner::retire_old() {
  // Old tasks that do not serve help nobody.
  for (const TaskRecord* task : old) {
    // (One that a load balancer has only not checked yet may well serve.)
    if (task->status != TaskStatus::running || unhealthy(*task)) stop(*task, scaling_reason());
  }
  const int missing = next.desired_count - alive_in(primary);
  const int room = most_tasks(next) - alive_in(primary) - alive_in(old);
  const int covered =
      settled_in(primary) + healthy_in(old) - std::max(next.desired_count, fewest_healthy(next));
  const bool failed = primary_deployment()->rollout == Rollout::failed;
  int leave = std::max(covered, failed ? 0 : make_room(missing, room));
  std::vector<const TaskRecord*> oldest = old;
  std::ranges::sort(oldest, {},
                    [](const TaskRecord* t) { return std::tuple(t->created_at, t->id); });
  for (const TaskRecord* task : oldest) {
    if (leave <= 0) break;
    if (!stays(task)) continue;
    stop(*task, scaling_reason());
    --leave;
  }
}

void Planner::launch(int count) {
  const DeploymentRecord& deployment = *primary_deployment();
  std::map<std::string, int> by_zone;
  std::map<std::string, int> by_subnet;
  for (const TaskRecord* task : primary) {
    if (!stays(task)) continue;
    ++by_zone[zone_of(task->subnet)];
    ++by_subnet[task->subnet];
  }
  for (; count > 0 && !deployment.network.subnets.empty(); --count) {
    const std::string& subnet = *std::ranges::min_element(
        deployment.network.subnets, {},
        [&](const std::string& s) { return std::pair(by_zone[zone_of(s)], by_subnet[s]); });
    ++by_zone[zone_of(subnet)];
    ++by_subnet[subnet];
    plan.start.push_back({deployment.id, subnet});
  }
}

// A deployment that has all its tasks, and no other has any, is complete.
void Planner::settle_deployments() {
  std::erase_if(next.deployments, [&](const DeploymentRecord& d) {
    return !d.primary && std::ranges::none_of(observed.tasks, [&](const TaskRecord& t) {
      return t.deployment == d.id && t.status != TaskStatus::stopped;
    });
  });
  DeploymentRecord* deployment = primary_deployment();
  if (deployment->rollout != Rollout::in_progress || next.deployments.size() > 1) return;
  if (alive_in(primary) != next.desired_count || settled_in(primary) != next.desired_count) return;
  deployment->rollout = Rollout::completed;
  deployment->rollout_reason = fmt::format("ECS deployment {} completed.", deployment->id);
  deployment->updated_at = now;
  deployment->completed_once = true;
  deployment->failed_tasks = 0;
  next.last_good = *deployment;
  plan.events.push_back(
      about(fmt::format("(deployment {}) deployment completed.", deployment->id)));
}

void Planner::tell_steady() {
  const DeploymentRecord* deployment = primary_deployment();
  const bool steady = deployment->rollout == Rollout::completed && next.deployments.size() == 1 &&
                      plan.start.empty() && plan.stop.empty() &&
                      alive_in(primary) == next.desired_count &&
                      settled_in(primary) == next.desired_count;
  if (!steady) {
    next.steady = false;
    return;
  }
  next.blocked_told = false;
  const bool again = next.steady && now - next.steady_at >= kSteadyInterval;
  if (!next.steady || again) {
    next.steady = true;
    next.steady_at = now;
    plan.events.push_back(about("has reached a steady state."));
  }
  look_again(kSteadyInterval - (now - next.steady_at));
}

void Planner::drain() {
  bool left = false;
  for (const TaskRecord& task : observed.tasks) {
    if (task.status == TaskStatus::stopped) continue;
    left = true;
    if (!task.stop_wanted) stop(task, scaling_reason());
  }
  if (!left) {
    next.status = ServiceStatus::inactive;
    next.inactive_at = now;
    next.deployments.clear();
  }
}

void Planner::run() {
  if (next.status == ServiceStatus::inactive) return;
  if (next.status == ServiceStatus::draining) return drain();
  if (!primary_deployment()) return;
  sort_tasks();
  count_failures();
  trip_breaker();

  auto good = [&] {
    return static_cast<int>(std::ranges::count_if(
        primary, [&](const TaskRecord* t) { return stays(t) && !unhealthy(*t); }));
  };
  auto room = [&] { return most_tasks(next) - alive_in(primary) - alive_in(old); };
  replace_unhealthy(next.desired_count - good(), room());
  scale_in();
  retire_old();

  const int missing = next.desired_count - good();
  const bool failed = primary_deployment()->rollout == Rollout::failed;
  if (missing > 0 && !failed) {
    if (now < next.not_before) {
      look_again(next.not_before - now);
    } else if (const int count = std::min(missing, room()); count > 0) {
      launch(count);
    } else if (plan.stop.empty() && settled_in(primary) == alive_in(primary) &&
               healthy_in(old) == alive_in(old) && !old.empty() && !next.blocked_told) {
      next.blocked_told = true;
      plan.events.push_back(about(
          "was unable to stop or start tasks during a deployment because of the service "
          "deployment configuration. Update the minimumHealthyPercent or maximumPercent value "
          "and try again."));
    }
  }
  settle_deployments();
  tell_steady();
}

}  // namespace

int most_tasks(const ServiceRecord& service) {
  return static_cast<int>(std::int64_t{service.desired_count} * service.maximum_percent / 100);
}

int fewest_healthy(const ServiceRecord& service) {
  return static_cast<int>(
      (std::int64_t{service.desired_count} * service.minimum_healthy_percent + 99) / 100);
}

int breaker_threshold(int desired_count) { return std::clamp((desired_count + 1) / 2, 3, 200); }

Millis throttle_delay(int failures) {
  if (failures <= 0) return Millis(0);
  return std::min<Millis>(std::chrono::seconds(1) * (1LL << std::min(failures - 1, 20)),
                          kMostThrottle);
}

ServicePlan plan_service(const ServiceRecord& service, const Observed& observed, TimePoint now) {
  Planner planner{service, observed, now, {}};
  planner.next = service;
  planner.run();
  planner.plan.changed = record::to_text(planner.next) != record::to_text(service);
  return std::move(planner.plan);
}

}  // namespace landfall::ecs
