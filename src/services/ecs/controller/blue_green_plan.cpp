// Blue/green deployments: all tasks of the new revision (green) are started beside those that serve
// (blue), then the listener rules are pointed at their target group; blue stays until the bake time
// is over, so that going back is a change of rules only.
// Linear and canary deployments do the same, but point the production rules at green step by step.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html
#include <cmath>

#include "services/ecs/controller/service_planner.h"

namespace landfall::ecs {
namespace {

constexpr double kAll = 100;

// Weights of two groups, the first having the rest; a balancer's are whole numbers up to 999.
std::pair<int, int> weights_of(double percent) {
  const auto tenths = static_cast<int>(std::lround(percent * 10));
  if (tenths % 10 == 0) return {100 - tenths / 10, tenths / 10};
  return {1000 - tenths, tenths};
}

}  // namespace

bool ServicePlanner::blue_green() {
  const RolloutRecord* r = rollout();
  return (r ? r->settings : next.settings).strategy != Strategy::rolling;
}

// alternate: percent of the traffic for the alternate one of the target's groups. True: the rule
// forwards so already.
bool ServicePlanner::shift(const std::string& rule, const ServiceTarget& target, double alternate) {
  if (rule.empty()) return true;
  const auto [first, second] = weights_of(alternate);
  const Shift wanted{
      rule, target.role, {{target.target_group, first}, {target.alternate_group, second}}};
  const auto seen = observed.traffic.find(rule);
  if (seen != observed.traffic.end() && seen->second == wanted.weights) return true;
  plan.shifts.push_back(wanted);
  return false;
}

// Production and test rules as this stage of the rollout wants them. True: they are so.
bool ServicePlanner::shift_traffic() {
  const DeploymentRecord& deployment = *primary_deployment();
  const RolloutRecord& r = *rollout();
  const double before = next.serving_alternate ? kAll : 0;
  const double after = deployment.alternate ? kAll : 0;
  // Step by step only from one group to the other.
  const double production = before == after                             ? after
                            : r.stage < Stage::production_traffic_shift ? before
                            : deployment.alternate                      ? r.shifted_percent
                                                                        : kAll - r.shifted_percent;
  bool done = true;
  for (const ServiceTarget& target : deployment.targets) {
    if (target.alternate_group.empty()) continue;
    if (!shift(target.test_rule, target, r.stage >= Stage::test_traffic_shift ? after : before))
      done = false;
    if (!shift(target.production_rule, target, production)) done = false;
  }
  return done;
}

// The next share of the production traffic goes to the new revision. The first deployment has
// nothing to share with, and a way back takes everything at once.
void ServicePlanner::shift_further() {
  RolloutRecord* r = rollout();
  const double step = r->settings.step_percent;
  const bool at_once = r->settings.strategy == Strategy::blue_green || !next.last_good ||
                       r->status == RolloutStatus::rollback_in_progress;
  if (at_once || (r->settings.strategy == Strategy::canary && r->shifted_percent > 0)) {
    r->shifted_percent = kAll;
  } else {
    r->shifted_percent = std::min(kAll, std::round((r->shifted_percent + step) * 10) / 10);
  }
  r->shifted_at = r->updated_at = now;
}

// True: the whole production traffic goes to the new revision.
bool ServicePlanner::shift_in_steps() {
  RolloutRecord* r = rollout();
  while (shift_traffic()) {
    if (r->shifted_percent >= kAll) return true;
    const Millis left = std::chrono::minutes(r->settings.step_bake_minutes) - (now - r->shifted_at);
    if (left > Millis(0)) {
      look_again(left);
      return false;
    }
    shift_further();
  }
  return false;
}

// Blue keeps all its tasks as long as the traffic may come to it.
void ServicePlanner::keep_serving() {
  const DeploymentRecord& deployment = *primary_deployment();
  if (deployment.alternate == next.serving_alternate) return;
  const auto blue = std::ranges::find_if(next.deployments, [&](const DeploymentRecord& d) {
    return !d.primary && d.completed_once && d.alternate == next.serving_alternate;
  });
  if (blue == next.deployments.end()) return;
  std::vector<const TaskRecord*> tasks;
  for (const TaskRecord* task : old) {
    if (task->deployment == blue->id && stays(task)) tasks.push_back(task);
  }
  const auto good = static_cast<int>(
      std::ranges::count_if(tasks, [&](const TaskRecord* t) { return !unhealthy(*t); }));
  if (settled_in(tasks) >= blue->desired) {
    for (const TaskRecord* task : tasks) {
      if (unhealthy(*task)) stop(*task, scaling_reason());
    }
  }
  launch(*blue, tasks, blue->desired - good);
}

void ServicePlanner::run_blue_green() {
  const DeploymentRecord& deployment = *primary_deployment();
  RolloutRecord* r = rollout();
  // Of a deployment that this one has replaced before it served.
  for (const TaskRecord* task : old) {
    const auto of = std::ranges::find(next.deployments, task->deployment, &DeploymentRecord::id);
    const bool other = of != next.deployments.end() && of->alternate != deployment.alternate;
    if (!other && deployment.alternate != next.serving_alternate) stop(*task, scaling_reason());
  }
  if (r && r->stage == Stage::reconcile_service) enter(Stage::scale_up);
  const auto good = static_cast<int>(std::ranges::count_if(
      primary, [&](const TaskRecord* t) { return stays(t) && !unhealthy(*t); }));
  replace_unhealthy(next.desired_count - good, next.desired_count - good);
  scale_in();
  launch_missing();
  if (!r) return keep_serving();  // stopped: what serves goes on

  const bool back = r->status == RolloutStatus::rollback_in_progress;
  const bool up = settled_in(primary) >= (back ? fewest_healthy(next) : next.desired_count) &&
                  (back || alive_in(primary) == next.desired_count);
  bool shifted = r->stage != Stage::production_traffic_shift && shift_traffic();
  if (r->stage == Stage::scale_up && up && shifted) {
    enter(Stage::test_traffic_shift);
    shifted = shift_traffic();
  }
  if (r->stage == Stage::test_traffic_shift && shifted) {
    enter(Stage::production_traffic_shift);
    r->shifted_percent = 0;
    shift_further();
  }
  if (r->stage == Stage::production_traffic_shift && shift_in_steps()) {
    next.serving_alternate = deployment.alternate;
    enter(back ? Stage::clean_up : Stage::bake_time);
  }
  if (r->stage == Stage::bake_time) {
    // The first deployment has nothing to go back to.
    const Millis bake =
        next.last_good ? Millis(std::chrono::minutes(r->settings.bake_minutes)) : Millis(0);
    const Millis left = bake - (now - r->stage_at);
    if (left <= Millis(0)) {
      enter(Stage::clean_up);
    } else {
      look_again(left);
    }
  }
  if (r->stage < Stage::bake_time) return keep_serving();
  if (r->stage != Stage::clean_up) return;
  for (const TaskRecord* task : old) stop(*task, scaling_reason());
}

}  // namespace landfall::ecs
