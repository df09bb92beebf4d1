#include "services/ecs/controller/task_plan.h"

namespace landfall::ecs {
namespace {

using host::ContainerState;

struct Planner {
  const std::vector<ContainerPart>& parts;
  const SeenTask& seen;
  TimePoint now;
  TaskPlan& plan;
  TaskRecord& next;

  void mirror();
  void decide_to_stop();
  void check_dependencies();
  void bring_up();
  void bring_down();
  bool drained();

  const SeenContainer* find(const std::string& name) const {
    const auto found = seen.containers.find(name);
    return found == seen.containers.end() ? nullptr : &found->second;
  }
  const ContainerPart* part(const std::string& name) const {
    const auto found = std::ranges::find(parts, name, &ContainerPart::name);
    return found == parts.end() ? nullptr : &*found;
  }
  bool begun(const std::string& name) const {
    const TaskContainer* c = next.container(name);
    return c && c->started_at != TimePoint{};
  }
  bool ended(const std::string& name) const {
    const TaskContainer* c = next.container(name);
    return c && c->status == ContainerStatus::stopped;
  }
  bool met(const Dependency& dependency) const;
  // Why it can never be met; empty: it still can.
  std::string hopeless(const Dependency& dependency, const std::string& target) const;
  void stop(std::string code, std::string reason) {
    want_stop(next, std::move(code), std::move(reason), now);
  }
  void look_again(Millis after) {
    after = std::max(after, Millis(1));
    if (!plan.look_again || after < *plan.look_again) plan.look_again = after;
  }
};

void note_exit(TaskContainer& container, const host::ExitStatus& exit, TimePoint now) {
  container.status = ContainerStatus::stopped;
  container.exit_code = exit.code;
  container.out_of_memory = exit.oom_killed;
  container.stopped_at = exit.at == TimePoint{} ? now : exit.at;
  if (exit.oom_killed) {
    container.reason = kOutOfMemory;
  } else if (exit.reason == "host-restarted") {
    container.reason = "the machine was restarted while the container ran";
  } else if (exit.reason == "monitor-lost") {
    container.reason = "the container's monitor was killed; its exit code is unknown";
  } else if (!exit.reason.empty()) {
    container.reason = exit.reason;
  }
}

// What the host shows goes into the record.
void Planner::mirror() {
  for (TaskContainer& c : next.containers) {
    if (c.status == ContainerStatus::stopped) continue;
    const SeenContainer* there = find(c.name);
    if (!there) {
      if (c.started_at == TimePoint{}) continue;
      note_exit(
          c, {.code = 137, .reason = "the container is gone: something else removed it", .at = now},
          now);
      continue;
    }
    if (there->state != ContainerState::running && there->state != ContainerState::exited) continue;
    if (c.started_at == TimePoint{})
      c.started_at = there->started_at == TimePoint{} ? now : there->started_at;
    if (there->state == ContainerState::running) {
      c.status = ContainerStatus::running;
      if (c.has_health_check) c.health = there->health;
    } else {
      note_exit(c, there->exit.value_or(host::ExitStatus{.code = 137, .at = now}), now);
    }
  }
  for (std::size_t i = 0; i < next.targets.size() && i < seen.targets.size(); ++i) {
    TaskTarget& target = next.targets[i];
    const bool told = target.registered || next.deregistered_at != TimePoint{};
    // A balancer that starts again knows nothing yet: what it said before still holds.
    if (target.registered && target.state != TargetState::gone &&
        seen.targets[i].state == TargetState::initial)
      continue;
    target.state = told ? seen.targets[i].state : TargetState::initial;
    target.reason = told ? seen.targets[i].reason : "";
  }
}

bool Planner::met(const Dependency& dependency) const {
  const TaskContainer* on = next.container(dependency.container);
  if (!on) return true;
  switch (dependency.on) {
    case Dependency::On::start:
      return begun(dependency.container);
    case Dependency::On::complete:
      return on->status == ContainerStatus::stopped;
    case Dependency::On::success:
      return on->status == ContainerStatus::stopped && on->exit_code == 0;
    case Dependency::On::healthy:
      return on->status == ContainerStatus::running && on->health == Health::healthy;
  }
  return false;
}

// In the words of the ECS agent's dependency graph.
std::string Planner::hopeless(const Dependency& dependency, const std::string& target) const {
  const TaskContainer* on = next.container(dependency.container);
  if (!on || met(dependency)) return {};
  if (on->status == ContainerStatus::stopped) {
    return fmt::format(
        "dependency graph: failed to resolve container ordering dependency [{}] for target [{}] as "
        "dependency did not {}.",
        dependency.container, target,
        dependency.on == Dependency::On::healthy ? "become healthy" : "exit successfully");
  }
  const ContainerPart* of = part(dependency.container);
  if (of && of->start_timeout && on->started_at != TimePoint{} &&
      now - on->started_at >= *of->start_timeout) {
    return fmt::format(
        "dependency graph: container ordering dependency [{}] for target [{}] has timed out.",
        dependency.container, target);
  }
  return {};
}

void Planner::check_dependencies() {
  for (const ContainerPart& p : parts) {
    if (begun(p.name) || ended(p.name)) continue;
    for (const Dependency& dependency : p.depends_on) {
      if (std::string why = hopeless(dependency, p.name); !why.empty())
        return stop("TaskFailedToStart", std::move(why));
      const ContainerPart* of = part(dependency.container);
      const TaskContainer* on = next.container(dependency.container);
      if (!met(dependency) && of && on && of->start_timeout && on->started_at != TimePoint{})
        look_again(*of->start_timeout - (now - on->started_at));
    }
  }
}

void Planner::decide_to_stop() {
  if (next.stop_wanted) return;
  bool any_left = false;
  for (const TaskContainer& c : next.containers) {
    if (c.status != ContainerStatus::stopped) {
      any_left = true;
    } else if (c.essential) {
      return stop("EssentialContainerExited", "Essential container in task exited");
    }
  }
  if (!any_left) return stop("EssentialContainerExited", "Essential container in task exited");
  check_dependencies();
}

void Planner::bring_up() {
  if (!seen.connected) {
    next.status = TaskStatus::provisioning;
    plan.steps.push_back({TaskStep::Kind::connect});
    return;
  }
  if (next.connectivity_at == TimePoint{}) next.connectivity_at = now;
  for (const TaskContainer& c : next.containers) {
    const SeenContainer* there = find(c.name);
    if (c.status == ContainerStatus::pending &&
        (!there || there->state == ContainerState::creating))
      plan.steps.push_back({TaskStep::Kind::prepare, c.name});
  }
  if (!plan.steps.empty()) {
    next.status = TaskStatus::pending;
    if (next.pull_started_at == TimePoint{}) next.pull_started_at = now;
    return;
  }
  if (next.pull_stopped_at == TimePoint{}) {
    if (next.pull_started_at == TimePoint{}) next.pull_started_at = now;
    next.pull_stopped_at = now;
  }
  bool all_begun = true;
  for (const ContainerPart& p : parts) {
    if (begun(p.name)) continue;
    all_begun = false;
    if (std::ranges::all_of(p.depends_on, [&](const Dependency& d) { return met(d); }))
      plan.steps.push_back({TaskStep::Kind::start, p.name});
  }
  if (!all_begun) {
    next.status = TaskStatus::activating;
    return;
  }
  next.status = TaskStatus::running;
  if (next.started_at == TimePoint{}) next.started_at = now;
  if (std::ranges::any_of(next.targets, [](const TaskTarget& t) {
        return !t.registered || t.state == TargetState::gone;
      }))
    plan.steps.push_back({TaskStep::Kind::register_targets});
}

// Before a container is stopped, its load balancers send no more requests, and those under way have
// ended.
bool Planner::drained() {
  if (next.targets.empty()) return true;
  if (std::ranges::any_of(next.targets, &TaskTarget::registered)) {
    next.status = TaskStatus::deactivating;
    plan.steps.push_back({TaskStep::Kind::deregister_targets});
    return false;
  }
  if (next.deregistered_at == TimePoint{}) return true;  // it never had a request
  const bool serves = std::ranges::any_of(
      next.containers, [](const TaskContainer& c) { return c.status == ContainerStatus::running; });
  const bool draining = std::ranges::any_of(
      next.targets, [](const TaskTarget& t) { return t.state == TargetState::draining; });
  const Millis left = kLongestDrain - (now - next.deregistered_at);
  if (!serves || !draining || left <= Millis(0)) return true;
  next.status = TaskStatus::deactivating;
  look_again(std::min<Millis>(left, std::chrono::seconds(1)));
  return false;
}

// A container stops after those that depend on it.
void Planner::bring_down() {
  if (!drained()) return;
  bool all_ended = true;
  bool any_begun = false;
  for (const ContainerPart& p : parts) {
    if (!begun(p.name)) continue;
    any_begun = true;
    if (ended(p.name)) continue;
    all_ended = false;
    const bool needed = std::ranges::any_of(parts, [&](const ContainerPart& other) {
      return begun(other.name) && !ended(other.name) &&
             std::ranges::count(other.depends_on, p.name, &Dependency::container) > 0;
    });
    if (!needed) plan.steps.push_back({TaskStep::Kind::stop, p.name, p.stop_timeout});
  }
  if (!all_ended) {
    next.status = TaskStatus::stopping;
    return;
  }
  if (any_begun && next.execution_stopped_at == TimePoint{}) next.execution_stopped_at = now;
  for (TaskContainer& c : next.containers) {
    c.status = ContainerStatus::stopped;
    if (c.stopped_at == TimePoint{}) c.stopped_at = now;
    if (c.health != Health::unhealthy) c.health = Health::unknown;
  }
  if (!next.released) {
    next.status = TaskStatus::deprovisioning;
    plan.steps.push_back({TaskStep::Kind::release});
    return;
  }
  next.status = TaskStatus::stopped;
  if (next.stopped_at == TimePoint{}) next.stopped_at = now;
}

}  // namespace

void want_stop(TaskRecord& task, std::string code, std::string reason, TimePoint now) {
  if (task.stop_wanted) return;
  task.stop_wanted = true;
  task.stop_code = std::move(code);
  task.stopped_reason = std::move(reason);
  task.stopping_at = now;
}

TaskPlan plan_task(const TaskRecord& task, const std::vector<ContainerPart>& parts,
                   const SeenTask& seen, TimePoint now) {
  TaskPlan plan;
  plan.next = task;
  if (task.status == TaskStatus::stopped) return plan;
  Planner planner{parts, seen, now, plan, plan.next};
  planner.mirror();
  planner.decide_to_stop();
  if (plan.next.stop_wanted) {
    planner.bring_down();
  } else {
    planner.bring_up();
  }
  plan.changed = record::to_text(plan.next) != record::to_text(task);
  if (plan.changed) ++plan.next.version;
  return plan;
}

}  // namespace landfall::ecs
