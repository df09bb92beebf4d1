#include "services/ecs/controller/service_planner.h"

namespace landfall::ecs {
namespace {

bool failed_by_itself(const TaskRecord& task) {
  return task.stop_code == "EssentialContainerExited" || task.stop_code == "TaskFailedToStart" ||
         task.stop_code == "SpotInterruption";
}

}  // namespace

DeploymentRecord* ServicePlanner::primary_deployment() {
  for (DeploymentRecord& d : next.deployments) {
    if (d.primary) return &d;
  }
  return nullptr;
}

void ServicePlanner::sort_tasks() {
  const DeploymentRecord* deployment = primary_deployment();
  primary.clear();
  old.clear();
  for (const TaskRecord& task : observed.tasks) {
    if (task.stop_wanted || task.status == TaskStatus::stopped) continue;
    (deployment && task.deployment == deployment->id ? primary : old).push_back(&task);
  }
}

void ServicePlanner::count_failure(const TaskRecord& task) {
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

void ServicePlanner::count_failures() {
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

// A replacement starts first where there is room for it; the unhealthy task goes when it is not
// needed any more. While a deployment is under way, its unhealthy tasks go at once.
void ServicePlanner::replace_unhealthy(int missing, int room) {
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
void ServicePlanner::scale_in() {
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
int ServicePlanner::make_room(int missing, int room) {
  const int wanted = missing - std::max(room, 0);
  if (wanted <= 0) return 0;
  return std::min(wanted, settled_in(primary) + healthy_in(old) - fewest_healthy(next));
}

void ServicePlanner::retire_old() {
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
  // Nobody needs them any more, healthy or not.
  if (settled_in(primary) >= std::max(next.desired_count, fewest_healthy(next)))
    leave = static_cast<int>(old.size());
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

// Spread over the zones of the tasks beside them.
void ServicePlanner::launch(const DeploymentRecord& deployment,
                            const std::vector<const TaskRecord*>& beside, int count) {
  std::map<std::string, int> by_zone;
  std::map<std::string, int> by_subnet;
  for (const TaskRecord* task : beside) {
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

void ServicePlanner::launch_missing() {
  const auto good = static_cast<int>(std::ranges::count_if(
      primary, [&](const TaskRecord* t) { return stays(t) && !unhealthy(*t); }));
  const int missing = next.desired_count - good;
  // Blue and green have all their tasks at the same time, whatever maximumPercent says.
  const bool both = blue_green() && rollout() != nullptr;
  const int room = both ? missing : most_tasks(next) - alive_in(primary) - alive_in(old);
  if (missing <= 0 || primary_deployment()->rollout == Rollout::failed) return;
  if (now < next.not_before) {
    look_again(next.not_before - now);
  } else if (const int count = std::min(missing, room); count > 0) {
    launch(*primary_deployment(), primary, count);
  } else if (plan.stop.empty() && settled_in(primary) == alive_in(primary) &&
             healthy_in(old) == alive_in(old) && !old.empty() && !next.blocked_told) {
    next.blocked_told = true;
    plan.events.push_back(
        about("was unable to stop or start tasks during a deployment because of the service "
              "deployment configuration. Update the minimumHealthyPercent or maximumPercent value "
              "and try again."));
  }
}

// A deployment that has all its tasks, and no other has any, is complete.
void ServicePlanner::settle_deployments() {
  std::erase_if(next.deployments, [&](const DeploymentRecord& d) {
    return !d.primary && std::ranges::none_of(observed.tasks, [&](const TaskRecord& t) {
      return t.deployment == d.id && t.status != TaskStatus::stopped;
    });
  });
  const DeploymentRecord* deployment = primary_deployment();
  if (deployment->rollout != Rollout::in_progress || next.deployments.size() > 1) return;
  if (alive_in(primary) != next.desired_count || settled_in(primary) != next.desired_count) return;
  if (baked()) complete_deployment();
}

void ServicePlanner::tell_steady() {
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

void ServicePlanner::drain() {
  bool left = false;
  for (const TaskRecord& task : observed.tasks) {
    if (task.status == TaskStatus::stopped) continue;
    left = true;
    if (!task.stop_wanted) stop(task, scaling_reason());
  }
  if (!left) {
    end_rollout(RolloutStatus::stopped, "The service was deleted.");
    next.status = ServiceStatus::inactive;
    next.inactive_at = now;
    next.deployments.clear();
  }
}

void ServicePlanner::run() {
  if (next.status == ServiceStatus::inactive) return;
  if (next.status == ServiceStatus::draining) return drain();
  if (!primary_deployment()) return;
  sort_tasks();
  begin_rollout();
  count_failures();
  watch_rollout();
  if (blue_green() && (rollout() || primary_deployment()->rollout == Rollout::failed)) {
    run_blue_green();
  } else {
    const auto good = static_cast<int>(std::ranges::count_if(
        primary, [&](const TaskRecord* t) { return stays(t) && !unhealthy(*t); }));
    replace_unhealthy(next.desired_count - good,
                      most_tasks(next) - alive_in(primary) - alive_in(old));
    scale_in();
    retire_old();
    launch_missing();
  }
  settle_deployments();
  tell_steady();
}

int most_tasks(const ServiceRecord& service) {
  return static_cast<int>(std::int64_t{service.desired_count} * service.maximum_percent / 100);
}

int fewest_healthy(const ServiceRecord& service) {
  return static_cast<int>(
      (std::int64_t{service.desired_count} * service.minimum_healthy_percent + 99) / 100);
}

const std::string& group_of(const DeploymentRecord& deployment, const ServiceTarget& target) {
  return deployment.alternate && !target.alternate_group.empty() ? target.alternate_group
                                                                 : target.target_group;
}

int breaker_threshold(int desired_count) { return std::clamp((desired_count + 1) / 2, 3, 200); }

Millis throttle_delay(int failures) {
  if (failures <= 0) return Millis(0);
  return std::min<Millis>(std::chrono::seconds(1) * (1LL << std::min(failures - 1, 20)),
                          kMostThrottle);
}

ServicePlan plan_service(const ServiceRecord& service, const Observed& observed, TimePoint now) {
  ServicePlanner planner{service, observed, now, {}};
  planner.next = service;
  planner.run();
  planner.plan.changed = record::to_text(planner.next) != record::to_text(service);
  return std::move(planner.plan);
}

}  // namespace landfall::ecs
