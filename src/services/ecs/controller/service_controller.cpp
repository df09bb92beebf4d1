#include "services/ecs/controller/service_controller.h"

#include "services/ecs/controller/task_plan.h"
#include "services/ecs/describe.h"
#include "services/ecs/launch.h"

namespace landfall::ecs {
namespace {

constexpr int kMostRounds = 16;

// A service, and its tasks: they change when one of them does.
std::vector<std::string> services_concerned(const store::KeyValue& current,
                                            const std::optional<store::KeyValue>& previous) {
  const auto parts = parse_key(current.key);
  if (!parts) return {};
  if (parts->table == "services") return {current.key};
  if (parts->table != "tasks") return {};
  const std::string& value = current.value.empty() && previous ? previous->value : current.value;
  const auto of = landfall::record::from_text<TaskRecord>(value);
  if (!of || of->service.empty()) return {};
  return {fmt::format("{}{}/{}/services/{}/{}", kPrefix, parts->scope.account, parts->scope.region,
                      of->cluster, of->service)};
}

std::string list(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += fmt::format(" (task {})", id);
  return out;
}

std::vector<TagRecord> task_tags(const ServiceRecord& service,
                                 const TaskDefinitionRecord& definition) {
  std::vector<TagRecord> tags;
  if (service.propagate_tags == "SERVICE") tags = service.tags;
  if (service.propagate_tags == "TASK_DEFINITION") tags = definition.tags;
  if (service.ecs_managed_tags) {
    tags.push_back({"aws:ecs:clusterName", service.cluster});
    tags.push_back({"aws:ecs:serviceName", service.name});
  }
  return tags;
}

// Where its tasks are registered.
std::vector<ServiceTarget> targets_of(const DeploymentRecord& deployment) {
  std::vector<ServiceTarget> out = deployment.targets;
  for (ServiceTarget& target : out) target.target_group = group_of(deployment, target);
  return out;
}

// Why a task ended by itself, with the exit codes that say most.
std::string failure(const TaskRecord& task) {
  std::string out = task.stopped_reason;
  for (const TaskContainer& c : task.containers) {
    if (!c.reason.empty() && out.find(c.reason) == std::string::npos) {
      out += fmt::format(" ({}: {})", c.name, c.reason);
    } else if (c.essential && c.exit_code && task.stop_code == "EssentialContainerExited") {
      out += fmt::format(" ({}: exit code {})", c.name, *c.exit_code);
    }
  }
  return out;
}

}  // namespace

ServiceController::ServiceController(Ecs& ecs)
    : ecs_(ecs),
      controller_(ecs.loop, ecs.store, ecs.clock, ecs.random,
                  {.name = "ecs-services",
                   .sources = {{std::string(kPrefix), services_concerned},
                               {std::string(cloudwatch::kKeyPrefix),
                                [this](const store::KeyValue& current,
                                       const std::optional<store::KeyValue>&) {
                                  return services_watching(current.key);
                                }}},
                   .backoff = {.most = std::chrono::seconds(30)}},
                  [this](std::string key) { return reconcile(std::move(key)); }) {}

std::vector<std::string> ServiceController::services_watching(const std::string& key) const {
  const auto alarm = cloudwatch::parse_alarm_key(key);
  if (!alarm) return {};
  const auto found = watching_.find({alarm->scope, alarm->name});
  if (found == watching_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

// From here on this service, and no other, is looked at when one of these alarms changes. Called
// before the alarms' states are read, so no change falls between.
void ServiceController::watch_alarms(const std::string& key, const Scope& scope,
                                     const std::vector<std::string>& names) {
  for (auto& [alarm, services] : watching_) {
    if (std::ranges::find(names, alarm.second) == names.end()) services.erase(key);
  }
  std::erase_if(watching_, [](const auto& entry) { return entry.second.empty(); });
  for (const std::string& name : names) watching_[{scope, name}].insert(key);
}

task<Result<void>> ServiceController::forget(Scope scope, store::Row<ServiceRecord> row) {
  const Tables tables = ecs_.tables(scope);
  LF_CO_OK(co_await ecs_.store.commit(
      {{tables.services.unchanged(row.id, row.revision)},
       {tables.services.remove(row.id), store::DeletePrefix{tables.rollouts.key(row.id + "/")},
        ecs_.events.forget(service_arn(scope, row.value.cluster, row.value.name))}}));
  co_return Result<void>();
}

std::vector<store::Row<TaskRecord>> ServiceController::tasks_of(const Tables& tables,
                                                                const ServiceRecord& service) {
  const std::string prefix = tables.tasks.key(service.cluster + "/");
  auto& known = known_[prefix];
  std::map<std::string, store::Row<TaskRecord>> now;
  std::vector<store::Row<TaskRecord>> out;
  for (const store::KeyValue& kv : ecs_.store.range(prefix)) {
    const auto before = known.find(kv.key);
    if (before != known.end() && before->second.revision == kv.mod_revision) {
      now.insert(known.extract(before));
    } else if (auto read = record::from_text<TaskRecord>(kv.value)) {
      now[kv.key] = {kv.key.substr(tables.tasks.prefix().size()), std::move(*read),
                     kv.mod_revision};
    } else {
      store::log_unreadable_record(kv.key);
      continue;
    }
    const auto& row = now.at(kv.key);
    if (row.value.service == service.name) out.push_back(row);
  }
  if (now.empty()) {
    known_.erase(prefix);
  } else {
    known = std::move(now);
  }
  return out;
}

Observed ServiceController::observe(const Scope& scope, const ServiceRecord& service,
                                    const std::vector<store::Row<TaskRecord>>& tasks) {
  Observed observed;
  for (const auto& task : tasks) observed.tasks.push_back(task.value);
  for (const DeploymentRecord& d : service.deployments) {
    for (const std::string& id : d.network.subnets) {
      std::string& zone = zones_[id];
      if (const auto subnet = zone.empty() ? ecs_.ec2.find_subnet(scope, id) : std::nullopt)
        zone = subnet->availability_zone;
      if (!zone.empty()) observed.zones[id] = zone;
    }
    for (const ServiceTarget& target : d.targets) {
      for (const std::string& rule : {target.production_rule, target.test_rule}) {
        if (rule.empty()) continue;
        if (auto weights = ecs_.balancers.traffic(scope, rule))
          observed.traffic[rule] = std::move(*weights);
      }
    }
  }
  for (const std::string& name : service.settings.alarms) {
    const auto alarm = ecs_.alarms ? ecs_.alarms->alarm(scope, name) : std::nullopt;
    if (alarm && alarm->state == cloudwatch::AlarmState::alarm) observed.alarms.insert(name);
  }
  return observed;
}

// The listener rules of a blue/green deployment, as the role may.
task<Result<void>> ServiceController::shift(Scope scope, ServiceRecord service,
                                            std::vector<Shift> shifts) {
  for (Shift& shift : shifts) {
    auto done = ecs_.iam.authorize_role(
        shift.role, "ecs-service-scheduler",
        {.action = shift.rule.contains(":listener-rule/") ? "elasticloadbalancing:ModifyRule"
                                                          : "elasticloadbalancing:ModifyListener",
         .resource = shift.rule,
         .context = {}});
    if (done)
      done = co_await ecs_.balancers.set_traffic(scope, shift.rule, std::move(shift.weights));
    if (done) continue;
    LF_CO_OK(co_await ecs_.events.record(
        service_arn(scope, service.cluster, service.name),
        {.reason = "TrafficNotShifted",
         .message = fmt::format("(service {}) was unable to modify the listener rule {}: {}",
                                service.name, shift.rule, done.error().message),
         .cause = shift.rule}));
    co_return std::unexpected(done.error());
  }
  co_return Result<void>();
}

task<Result<reconcile::Requeue>> ServiceController::reconcile(std::string key) {
  const auto parsed = parse_key(key);
  if (!parsed) co_return reconcile::Requeue{};
  const Tables tables = ecs_.tables(parsed->scope);
  for (int round = 0; round < kMostRounds; ++round) {
    const auto row = tables.services.get(parsed->id());
    if (!row) {
      watch_alarms(key, parsed->scope, {});
      co_return reconcile::Requeue{};
    }
    const ServiceRecord& service = row->value;
    const TimePoint now = ecs_.clock.now();
    if (service.status == ServiceStatus::inactive) {
      const Millis left = kKeepInactive - (now - service.inactive_at);
      if (left > Millis(0)) co_return reconcile::Requeue{left};
      LF_CO_OK(co_await forget(parsed->scope, *row));
      co_return reconcile::Requeue{};
    }
    auto tasks = tasks_of(tables, service);
    watch_alarms(key, parsed->scope, service.settings.alarms);
    const Observed observed = observe(parsed->scope, service, tasks);
    ServicePlan plan = plan_service(service, observed, now);
    if (plan.idle()) co_return reconcile::Requeue{plan.look_again};
    LF_CO_OK(co_await shift(parsed->scope, service, plan.shifts));
    LF_CO_OK(co_await carry_out(parsed->scope, *row, std::move(tasks), std::move(plan)));
  }
  co_return reconcile::Requeue{Millis(500)};
}

// False: something changed meanwhile, and nothing was done. Everything of a plan happens in one
// transaction, so a crash leaves no task without its event or its count.
task<Result<bool>> ServiceController::carry_out(Scope scope, store::Row<ServiceRecord> row,
                                                std::vector<store::Row<TaskRecord>> tasks,
                                                ServicePlan plan) {
  const Tables tables = ecs_.tables(scope);
  const ServiceRecord& service = row.value;
  const std::string resource = service_arn(scope, service.cluster, service.name);
  const TimePoint now = ecs_.clock.now();
  store::Transaction change;
  change.conditions.push_back(tables.services.unchanged(row.id, row.revision));
  // Only the latest rollout stays with its service.
  for (; plan.next.rollouts.size() > 1; plan.next.rollouts.pop_back()) {
    const RolloutRecord& ended = plan.next.rollouts.back();
    change.operations.push_back(tables.rollouts.put(row.id + "/" + ended.id, ended));
    for (const auto& kept : tables.rollouts.list(row.id + "/")) {
      if (now - kept.value.created_at > kKeepRollouts)
        change.operations.push_back(tables.rollouts.remove(kept.id));
    }
  }
  change.operations.push_back(tables.services.put(row.id, plan.next));
  std::vector<reconcile::ResourceEvent> events;

  std::map<std::string, TaskRecord> changed;
  auto touch = [&](const std::string& id) -> TaskRecord& {
    const auto of = std::ranges::find(tasks, id, [](const auto& r) { return r.value.id; });
    const auto [entry, fresh] = changed.try_emplace(of->id, of->value);
    if (fresh) change.conditions.push_back(tables.tasks.unchanged(of->id, of->revision));
    return entry->second;
  };
  for (const std::string& id : plan.counted) {
    TaskRecord& failed = touch(id);
    failed.failure_counted = true;
    if (failed.stop_wanted)
      events.push_back({.reason = "TaskFailed",
                        .message = fmt::format("(service {}) (task {}) stopped: {}", service.name,
                                               id, failure(failed)),
                        .cause = task_arn(scope, service.cluster, id)});
  }
  std::vector<std::string> stopped;
  for (const auto& stop : plan.stop) {
    TaskRecord& task = touch(stop.task);
    want_stop(task, "ServiceSchedulerInitiated", stop.reason, now);
    ++task.version;
    stopped.push_back(stop.task);
  }
  for (const auto& [id, task] : changed) change.operations.push_back(tables.tasks.put(id, task));

  std::vector<std::string> started;
  for (const auto& start : plan.start) {
    const auto deployment =
        std::ranges::find(plan.next.deployments, start.deployment, &DeploymentRecord::id);
    const auto definition = find_definition(tables, scope, deployment->task_definition);
    if (!definition) {
      events.push_back({.reason = "TaskDefinitionMissing",
                        .message = fmt::format(
                            "(service {}) was unable to place a task. Reason: task definition {} "
                            "does not exist.",
                            service.name, deployment->task_definition)});
      continue;
    }
    TaskRecord fresh = new_task(ecs_.random, now, definition->value.definition,
                                {.cluster = service.cluster,
                                 .launch = {service.launch_type, service.capacity_provider},
                                 .network = deployment->network,
                                 .subnet = start.subnet,
                                 .service = service.name,
                                 .deployment = deployment->id,
                                 .targets = targets_of(*deployment),
                                 .started_by = deployment->id,
                                 .group = "service:" + service.name,
                                 .tags = task_tags(service, definition->value),
                                 .execute_command = service.execute_command});
    const std::string id = fresh.cluster + "/" + fresh.id;
    change.conditions.push_back(tables.tasks.absent(id));
    change.operations.push_back(tables.tasks.put(id, fresh));
    started.push_back(fresh.id);
  }
  if (!stopped.empty())
    events.push_back({.reason = "TasksStopped",
                      .message = fmt::format("(service {}) has stopped {} running tasks:{}.",
                                             service.name, stopped.size(), list(stopped))});
  if (!started.empty())
    events.push_back({.reason = "TasksStarted",
                      .message = fmt::format("(service {}) has started {} tasks:{}.", service.name,
                                             started.size(), list(started))});
  for (std::string& message : plan.events)
    events.push_back({.reason = "Scheduler", .message = std::move(message)});
  for (auto& event : events) {
    auto writes = ecs_.events.operations(resource, std::move(event));
    change.operations.insert(change.operations.end(), std::make_move_iterator(writes.begin()),
                             std::make_move_iterator(writes.end()));
  }
  LF_CO_TRY(done, co_await ecs_.store.commit(std::move(change)));
  co_return done.succeeded;
}

}  // namespace landfall::ecs
