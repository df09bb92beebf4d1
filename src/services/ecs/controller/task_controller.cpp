#include "services/ecs/controller/task_controller.h"

#include "base/log.h"
#include "reconcile/why.h"
#include "services/ecs/controller/container_spec.h"
#include "services/ecs/launch.h"

namespace landfall::ecs {
namespace {

constexpr int kMostRounds = 64;
constexpr const char* kProgressing = "Progressing";
constexpr std::size_t kKeptLines = 10;

TargetState state_of(const elbv2::Health& health) {
  if (health.state == "healthy") return TargetState::healthy;
  if (health.state == "unhealthy" || health.state == "unavailable") return TargetState::unhealthy;
  if (health.state == "draining") return TargetState::draining;
  // Registered, but no listener leads to the group: nothing checks it.
  if (health.state == "unused" && health.reason == "Target.NotRegistered") return TargetState::gone;
  return TargetState::initial;
}

std::vector<std::string> tasks_only(const store::KeyValue& current,
                                    const std::optional<store::KeyValue>&) {
  const auto parts = parse_key(current.key);
  if (!parts || parts->table != "tasks") return {};
  return {current.key};
}

}  // namespace

std::string interface_owner(std::string_view cluster, std::string_view task) {
  return fmt::format("ecs:task/{}/{}", cluster, task);
}

TaskController::TaskController(Fargate& fargate)
    : fargate_(fargate),
      watchers_(fargate.ecs.loop),
      health_(fargate.ecs.loop, fargate.ecs.clock, fargate.containers),
      logs_(fargate.ecs.loop, fargate.logs),
      controller_(fargate.ecs.loop, fargate.ecs.store, fargate.ecs.clock, fargate.ecs.random,
                  {.name = "ecs-tasks",
                   .sources = {{std::string(kPrefix), tasks_only}},
                   .workers = 8,
                   .backoff = {.most = std::chrono::seconds(30)}},
                  [this](std::string key) { return reconcile(std::move(key)); }) {
  fargate_.ecs.balancers.add_health_listener([this] { look_at_balanced(); });
}

void TaskController::look_at_balanced() {
  for (const std::string& key : balanced_) controller_.enqueue(key);
}

void TaskController::start() { controller_.start(); }

task<void> TaskController::stop() {
  co_await controller_.stop();
  co_await health_.stop();
  co_await watchers_.stop();
  co_await logs_.stop();
}

std::string TaskController::key(const Work& work) const {
  return fargate_.ecs.tables(work.scope).tasks.key(work.id);
}

// False: the task is gone.
bool TaskController::read(Work& work) const {
  const Tables tables = fargate_.ecs.tables(work.scope);
  auto row = tables.tasks.get(work.id);
  if (!row) return false;
  work.row = std::move(*row);
  if (!work.parts.empty()) return true;
  const auto definition = find_definition(tables, work.scope, work.row.value.task_definition);
  if (!definition) return true;  // deleted under a task that has stopped: nothing is left to run
  TaskOverride overrides;
  if (!work.row.value.overrides.is_null())
    landfall::record::decode(work.row.value.overrides, overrides);
  work.definition = with_overrides(definition->value.definition, overrides);
  work.parts = container_parts(work.definition);
  return true;
}

SeenTask TaskController::observe(const Work& work) {
  const TaskRecord& task = work.row.value;
  SeenTask seen;
  seen.connected = task.connectivity_at != TimePoint{};
  for (const TaskContainer& container : task.containers) {
    const auto info = fargate_.containers.find(container.host_id);
    if (!info) continue;
    SeenContainer& there = seen.containers[container.name];
    there.state = info->state;
    there.started_at = info->started_at.value_or(TimePoint{});
    there.exit = info->exit;
    there.health = health_.state(container.host_id);
  }
  for (const TaskTarget& target : task.targets) {
    const elbv2::Health health = fargate_.ecs.balancers.target_health(
        work.scope, target.target_group, task.attachment ? task.attachment->private_address : "",
        target.port);
    seen.targets.push_back({state_of(health), health.description});
  }
  return seen;
}

// Everything that must tell us when something about this task changes.
void TaskController::watch(const Work& work) {
  const TaskRecord& task = work.row.value;
  const std::string work_key = key(work);
  for (std::size_t i = 0; i < task.containers.size() && i < work.parts.size(); ++i) {
    const TaskContainer& container = task.containers[i];
    const auto info = fargate_.containers.find(container.host_id);
    if (!info || info->state == host::ContainerState::creating) continue;
    const ContainerDefinition& definition = work.definition.container_definitions[i];
    if (const auto target = log_target(work.scope, task, definition);
        target && !info->log_path.empty())
      logs_.follow(container.host_id, info->log_path, *target);
    if (info->state != host::ContainerState::running) continue;
    if (watched_.insert(container.host_id).second)
      watchers_.spawn("end of " + container.host_id, watch_exit(container.host_id, work_key));
    if (definition.health_check)
      health_.watch(container.host_id, *definition.health_check,
                    info->started_at.value_or(task.created_at), container.health,
                    [this, work_key] { controller_.enqueue(work_key); });
  }
}

task<void> TaskController::watch_exit(std::string container, std::string key) {
  // Gone is as good as exited: either way the task is looked at again.
  (void)co_await fargate_.containers.wait(container);
  watched_.erase(container);
  health_.forget(container);
  controller_.enqueue(key);
}

task<void> TaskController::stop_container(std::string container, Millis grace, std::string key) {
  auto stopped = co_await fargate_.containers.stop(container, grace);
  if (!stopped && stopped.error().code != "container-unknown")
    log::warning("ecs", "container {} does not stop: {}", container, stopped.error().message);
  stopping_.erase(container);
  controller_.enqueue_after(key, stopped ? Millis(0) : Millis(1000));
}

// False: somebody else changed the record meanwhile.
task<Result<bool>> TaskController::write(Work& work, TaskRecord next) {
  const auto info_lines = [&](const TaskContainer& container) {
    const auto info = fargate_.containers.find(container.host_id);
    return info ? last_lines(info->log_path, kKeptLines) : std::vector<std::string>{};
  };
  for (TaskContainer& container : next.containers) {
    const TaskContainer* before = work.row.value.container(container.name);
    if (container.status == ContainerStatus::stopped && before &&
        before->status != ContainerStatus::stopped)
      container.last_lines = info_lines(container);
  }
  if (next.status != work.row.value.status)
    log::info("ecs", "task {}: {} -> {}{}{}", next.id, name_of(work.row.value.status),
              name_of(next.status), next.stop_wanted ? ": " : "", next.stopped_reason);
  const Tables tables = fargate_.ecs.tables(work.scope);
  LF_CO_TRY(done, co_await fargate_.ecs.store.commit(
                      {{tables.tasks.unchanged(work.id, work.row.revision)},
                       {tables.tasks.put(work.id, next)}}));
  co_return done.succeeded;
}

task<Result<void>> TaskController::change(const Work& work, std::function<void(TaskRecord&)> edit) {
  LF_CO_OK(co_await fargate_.ecs.tables(work.scope)
               .tasks.update(work.id, [&](TaskRecord& task) -> Result<bool> {
                 edit(task);
                 ++task.version;
                 return true;
               }));
  co_return Result<void>();
}

// The task cannot start: it stops, and says why. container may be empty.
task<Result<void>> TaskController::fail_to_start(const Work& work, std::string container,
                                                 std::string reason) {
  const TimePoint now = fargate_.ecs.clock.now();
  return change(work, [=](TaskRecord& task) {
    if (TaskContainer* c = task.container(container)) c->reason = reason;
    want_stop(task, "TaskFailedToStart", reason, now);
  });
}

task<Result<reconcile::Requeue>> TaskController::reconcile(std::string task_key) {
  const auto parsed = parse_key(task_key);
  if (!parsed) co_return reconcile::Requeue{};
  Work work{parsed->scope, parsed->id(), {}, {}, {}};
  const Tables tables = fargate_.ecs.tables(work.scope);
  for (int round = 0; round < kMostRounds; ++round) {
    if (!read(work)) {
      balanced_.erase(task_key);
      co_return reconcile::Requeue{};
    }
    const TimePoint now = fargate_.ecs.clock.now();
    const TaskRecord& task = work.row.value;
    if (task.targets.empty() || task.status == TaskStatus::stopped) {
      balanced_.erase(task_key);
    } else {
      balanced_.insert(task_key);
    }
    if (task.status == TaskStatus::stopped) {
      const Millis left = kKeepStopped - (now - task.stopped_at);
      if (left > Millis(0)) co_return reconcile::Requeue{left};
      LF_CO_OK(co_await fargate_.ecs.store.commit(
          {{tables.tasks.unchanged(work.id, work.row.revision)}, {tables.tasks.remove(work.id)}}));
      co_return reconcile::Requeue{};
    }
    watch(work);
    TaskPlan plan = plan_task(task, work.parts, observe(work), now);
    if (plan.changed) {
      LF_CO_TRY(written, co_await write(work, plan.next));
      if (!written) continue;
      if (!read(work)) co_return reconcile::Requeue{};
    }
    bool acted = false;
    for (const TaskStep& step : plan.steps) {
      if (step.kind == TaskStep::Kind::stop) {
        begin_stop(work, step);
        continue;
      }
      acted = true;
      auto done = co_await apply(work, step);
      LF_CO_OK(co_await tell_progress(work, done));
      if (!done) co_return std::unexpected(std::move(done).error());
      // A step that failed has written why: the plan is another one now.
      const auto after = tables.tasks.get(work.id);
      if (!after || after->revision != work.row.revision) break;
    }
    if (!acted && !plan.changed) co_return reconcile::Requeue{plan.look_again};
  }
  co_return reconcile::Requeue{Millis(1000)};
}

// What is tried again and again, for whoever asks why the task does not start. Written once for
// each kind of error: messages of the same kind may differ from try to try.
task<Result<void>> TaskController::tell_progress(const Work& work, const Result<void>& done) {
  const auto row = fargate_.ecs.tables(work.scope).tasks.get(work.id);
  if (!row) co_return Result<void>();
  const auto* told = reconcile::find_condition(row->value.conditions, kProgressing);
  if (done) {
    if (!told) co_return Result<void>();
    co_return co_await change(
        work, [](TaskRecord& t) { reconcile::remove_condition(t.conditions, kProgressing); });
  }
  if (told && told->reason == reconcile::reason_of(done.error().code)) co_return Result<void>();
  co_return co_await change(work, [&, now = fargate_.ecs.clock.now()](TaskRecord& t) {
    reconcile::set_condition(t.conditions,
                             {.type = kProgressing,
                              .status = reconcile::Status::no,
                              .reason = reconcile::reason_of(done.error().code),
                              .message = "tried again and again: " + done.error().message},
                             now);
  });
}

void TaskController::begin_stop(const Work& work, const TaskStep& step) {
  const TaskContainer* container = work.row.value.container(step.container);
  if (!container || !stopping_.insert(container->host_id).second) return;
  watchers_.spawn("stop of " + container->host_id,
                  stop_container(container->host_id, step.grace, key(work)));
}

}  // namespace landfall::ecs
