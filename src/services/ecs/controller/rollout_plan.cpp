// How a deployment ends: complete, failed, rolled back or stopped.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
#include "services/ecs/controller/service_planner.h"

namespace landfall::ecs {
namespace {

RevisionCounts count_tasks(const Observed& observed, RevisionCounts counts) {
  counts.running = counts.pending = 0;
  for (const TaskRecord& task : observed.tasks) {
    if (task.deployment != counts.deployment) continue;
    if (task.status == TaskStatus::running) ++counts.running;
    if (task.status < TaskStatus::running && !task.stop_wanted) ++counts.pending;
  }
  return counts;
}

std::string listed(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

RolloutRecord* ServicePlanner::rollout() {
  if (next.rollouts.empty() || !is_open(next.rollouts.front().status)) return nullptr;
  return &next.rollouts.front();
}

// A handler has written what is wanted; from here on it is under way.
void ServicePlanner::begin_rollout() {
  RolloutRecord* r = rollout();
  if (!r || r->started_at != TimePoint{}) return;
  if (r->status == RolloutStatus::pending) r->status = RolloutStatus::in_progress;
  r->started_at = r->updated_at = r->stage_at = now;
  for (RevisionCounts& source : r->sources) source = count_tasks(observed, std::move(source));
  r->breaker = next.breaker ? Monitor::monitoring : Monitor::disabled;
  if (!r->settings.alarms_enabled) return;
  r->alarm_names = r->settings.alarms;
  // "If one or more alarms are in the ALARM state when the deployment starts, Amazon ECS does not
  // monitor alarms for its duration": it may be what repairs them.
  r->alarms = observed.alarms.empty() ? Monitor::monitoring : Monitor::disabled;
}

void ServicePlanner::watch_rollout() {
  RolloutRecord* r = rollout();
  if (!r) return;
  for (const DeploymentRecord& d : next.deployments) {
    if (d.id != r->target.id) continue;
    r->target.image_digests = d.image_digests;
    r->failures = d.failed_tasks;
  }
  r->threshold = next.breaker ? breaker_threshold(next.desired_count) : 0;
  const DeploymentRecord* deployment = primary_deployment();
  if (r->status == RolloutStatus::stop_requested)
    return fail_rollout("", "Service deployment was stopped by a user.", "", false);
  if (r->status == RolloutStatus::rollback_requested)
    return fail_rollout("", "Service deployment was rolled back by a user.",
                        "Service deployment stopped by a user", true);
  if (next.breaker && deployment->failed_tasks >= breaker_threshold(next.desired_count)) {
    r->breaker = Monitor::triggered;
    return fail_rollout("tasks failed to start.",
                        "ECS deployment circuit breaker: tasks failed to start.",
                        "ECS deployment circuit breaker", next.breaker_rollback);
  }
  if (r->alarms != Monitor::monitoring || r->status == RolloutStatus::rollback_in_progress) return;
  if (observed.alarms.empty()) return;
  r->alarms = Monitor::triggered;
  r->triggered_alarms.assign(observed.alarms.begin(), observed.alarms.end());
  fail_rollout(
      "alarm detected.",
      fmt::format("ECS deployment alarms: alarm detected: {}.", listed(r->triggered_alarms)),
      "ECS deployment alarms", r->settings.alarms_rollback);
}

// said: the end of the event's text; empty when a person wanted it. back: to the latest deployment
// that was complete, `by` whom.
void ServicePlanner::fail_rollout(std::string said, std::string reason, std::string by, bool back) {
  RolloutRecord* r = rollout();
  DeploymentRecord* deployment = primary_deployment();
  if (r->status == RolloutStatus::rollback_in_progress) {
    // There is nothing further to go back to: the good revision is started until it works. Traffic
    // that has not come back yet must still do so.
    deployment->failed_tasks = 0;
    if (blue_green()) return;
    return end_rollout(RolloutStatus::rollback_failed, std::move(reason));
  }
  deployment->rollout = Rollout::failed;
  deployment->rollout_reason = reason;
  deployment->updated_at = now;
  if (!said.empty())
    plan.events.push_back(
        about(fmt::format("(deployment {}) deployment failed: {}", deployment->id, said)));
  if (back && next.last_good && next.last_good->id != deployment->id)
    return roll_back(std::move(reason), std::move(by));
  end_rollout(RolloutStatus::stopped, std::move(reason));
}

// The latest complete deployment becomes PRIMARY again: its tasks that still run stay.
void ServicePlanner::roll_back(std::string reason, std::string by) {
  DeploymentRecord* failed = primary_deployment();
  failed->primary = false;
  failed->desired = 0;
  DeploymentRecord back = *next.last_good;
  if (const auto there = std::ranges::find(next.deployments, back.id, &DeploymentRecord::id);
      there != next.deployments.end()) {
    back = *there;
    next.deployments.erase(there);
  }
  back.primary = true;
  back.rollout = Rollout::in_progress;
  back.rollout_reason = fmt::format("{}: rolling back to deploymentId {}.", by, back.id);
  back.failed_tasks = 0;
  back.updated_at = now;
  plan.events.push_back(about(fmt::format("rolling back to deployment {}.", back.id)));
  RolloutRecord* r = rollout();
  r->status = RolloutStatus::rollback_in_progress;
  r->reason = reason;
  r->rollback_reason = std::move(reason);
  r->rollback_at = now;
  r->rollback_deployment = back.id;
  enter(Stage::scale_up);
  next.deployments.insert(next.deployments.begin(), std::move(back));
  next.launch_failures = 0;
  next.not_before = {};
  next.throttle_told = next.steady = false;
  sort_tasks();
}

void ServicePlanner::end_rollout(RolloutStatus status, std::string reason) {
  RolloutRecord* r = rollout();
  if (!r) return;
  r->status = status;
  r->reason = std::move(reason);
  r->updated_at = r->finished_at = now;
  if (status == RolloutStatus::stopped) r->stopped_at = now;
  for (Monitor* monitor : {&r->breaker, &r->alarms}) {
    if (*monitor == Monitor::monitoring) *monitor = Monitor::complete;
  }
  r->counts = count_tasks(observed, {r->target.id, next.desired_count, 0, 0});
}

void ServicePlanner::enter(Stage stage) {
  RolloutRecord* r = rollout();
  r->stage = stage;
  r->stage_at = r->updated_at = now;
}

// Every task serves; alarms may still say that it does so badly.
bool ServicePlanner::baked() {
  RolloutRecord* r = rollout();
  if (!r) return true;
  if (blue_green()) return r->stage == Stage::clean_up;
  if (r->status == RolloutStatus::rollback_in_progress || r->alarms != Monitor::monitoring)
    return true;
  if (r->stage != Stage::bake_time) enter(Stage::bake_time);
  const Millis left = kAlarmBake - (now - r->stage_at);
  if (left <= Millis(0)) return true;
  look_again(left);
  return false;
}

void ServicePlanner::complete_deployment() {
  DeploymentRecord* deployment = primary_deployment();
  deployment->rollout = Rollout::completed;
  deployment->rollout_reason = fmt::format("ECS deployment {} completed.", deployment->id);
  deployment->updated_at = now;
  deployment->completed_once = true;
  deployment->failed_tasks = 0;
  next.last_good = *deployment;
  plan.events.push_back(
      about(fmt::format("(deployment {}) deployment completed.", deployment->id)));
  const RolloutRecord* r = rollout();
  if (!r) return;
  if (r->status == RolloutStatus::rollback_in_progress) {
    end_rollout(RolloutStatus::rollback_successful, r->reason);
  } else {
    end_rollout(RolloutStatus::successful, "");
  }
}

}  // namespace landfall::ecs
