#include "services/application_autoscaling/controller/target_controller.h"

#include "base/log.h"
#include "services/application_autoscaling/controller/tracking_alarms.h"

namespace landfall::application_autoscaling {
namespace {

constexpr int kMostRounds = 32;
constexpr std::size_t kMostActivities = 200;  // of a target
constexpr Millis kKeepActivities = std::chrono::days(42);
// While an alarm is in ALARM its target is looked at this often.
constexpr Millis kLookAgain = std::chrono::seconds(10);

std::vector<std::string> targets_concerned(const store::KeyValue& current,
                                           const std::optional<store::KeyValue>&) {
  const auto parts = parse_key(current.key);
  if (!parts || parts->table == "activities") return {};
  if (parts->table == "targets") return {current.key};
  return {fmt::format("{}{}/{}/targets/{}", kPrefix, parts->scope.account, parts->scope.region,
                      target_key_of(parts->id))};
}

std::vector<std::string> services_concerned(const store::KeyValue& current,
                                            const std::optional<store::KeyValue>&) {
  const auto service = ecs::parse_service_key(current.key);
  if (!service) return {};
  return {fmt::format("{}{}/{}/targets/{}/{}", kPrefix, service->scope.account,
                      service->scope.region, service->cluster, service->service)};
}

}  // namespace

TargetController::TargetController(ApplicationAutoscaling& scaling)
    : scaling_(scaling),
      controller_(scaling.loop, scaling.store, scaling.clock, scaling.random,
                  {.name = "application-autoscaling",
                   .sources = {{std::string(kPrefix), targets_concerned},
                               {std::string(ecs::kKeyPrefix), services_concerned}},
                   .backoff = {.most = std::chrono::seconds(30)}},
                  [this](std::string key) { return reconcile(std::move(key)); }) {
  cloudwatch::ActionHandler handler;
  handler.prefix = "arn:aws:autoscaling:";
  handler.repeats = true;
  handler.check = [](const Scope& scope, const std::string& action) -> Result<void> {
    if (parse_policy_arn(scope, action)) return {};
    return fail("ValidationError",
                fmt::format("Invalid action {}: scaling policies are those of Application Auto "
                            "Scaling for ECS services, in the alarm's account and region.",
                            action));
  };
  handler.invoke = [this](std::string action, cloudwatch::AlarmTransition transition) {
    return heed(std::move(action), std::move(transition));
  };
  scaling_.cloudwatch.add_action_handler(std::move(handler));
}

// The plan decides; this only notes what was told.
task<Result<void>> TargetController::heed(std::string action,
                                          cloudwatch::AlarmTransition transition) {
  const Scope scope = transition.scope;
  const auto name = parse_policy_arn(scope, action);
  const Tables tables = scaling_.tables(scope);
  const auto policy =
      name ? tables.policies.get(child_id(name->target_key, name->name)) : std::nullopt;
  if (!policy || policy->value.id != name->id) {
    signals_.erase(action);
    co_return fail("not-found", fmt::format("there is no scaling policy {}", action), 404);
  }
  if (policy->value.step && transition.alarm.composite)
    co_return fail("not-supported",
                   "a composite alarm has no metric that a step scaling policy could act on");
  const std::string alarm = transition.alarm.name;
  signals_[action][alarm] = {std::move(transition), scaling_.clock.now()};
  controller_.enqueue(tables.targets.key(name->target_key));
  co_return Result<void>();
}

task<void> TargetController::ensure_policies(Scope scope, TargetRecord target) {
  for (auto& row : scaling_.tables(scope).policies.list(target.key() + "/")) {
    const std::string name = row.value.name;
    if (auto made = co_await ensure_alarms(scaling_, scope, target, std::move(row)); !made) {
      log::warning("application-autoscaling", "{}: alarms of policy {}: {}", target.resource(),
                   name, made.error().message);
    }
  }
}

// Activities beyond what is kept.
void TargetController::trim(const Tables& tables, const std::string& target_key, std::size_t more,
                            TimePoint now, store::Transaction& change) const {
  const auto rows = tables.activities.list(target_key + "/");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + more >= kMostActivities || now - rows[i].value.started > kKeepActivities)
      change.operations.push_back(tables.activities.remove(rows[i].id));
  }
}

task<Result<void>> TargetController::carry_out(Scope scope, store::Row<TargetRecord> row,
                                               TargetPlan plan) {
  const Tables tables = scaling_.tables(scope);
  const std::string target_key = row.value.key();
  store::Transaction change;
  change.conditions.push_back(tables.targets.unchanged(row.id, row.revision));
  for (ActivityRecord& activity : plan.activities) activity.id = scaling_.random.uuid();
  if (plan.begins_change) plan.next.change->activity = plan.activities.front().id;
  trim(tables, target_key, plan.activities.size(), scaling_.clock.now(), change);
  for (const ActivityRecord& activity : plan.activities) {
    change.operations.push_back(tables.activities.put(activity_id(target_key, activity), activity));
    log::info("application-autoscaling", "{}: {} {}{}{}", row.value.resource(),
              activity.description, activity.cause, activity.not_scaled ? ": " : "",
              activity.not_scaled ? activity.not_scaled->code : "");
  }
  if (plan.ended)
    change.operations.push_back(
        tables.activities.put(activity_id(target_key, *plan.ended), *plan.ended));
  for (const ScheduleRecord& schedule : plan.schedules) {
    const std::string id = child_id(target_key, schedule.name);
    const auto held = tables.schedules.get(id);
    if (!held || held->value.id != schedule.id) continue;
    ScheduleRecord done = held->value;
    done.done_until = std::max(done.done_until, schedule.done_until);
    change.conditions.push_back(tables.schedules.unchanged(id, held->revision));
    change.operations.push_back(tables.schedules.put(id, done));
  }
  change.operations.push_back(tables.targets.put(row.id, plan.next));
  // Not succeeded: something changed meanwhile, and the next round sees it.
  LF_CO_OK(co_await scaling_.store.commit(std::move(change)));
  co_return Result<void>();
}

task<Result<void>> TargetController::tell_service(Scope scope, store::Row<TargetRecord> row,
                                                  ActivityRecord activity) {
  const TargetRecord& target = row.value;
  const int to = target.change->to;
  const auto told =
      co_await scaling_.ecs.set_desired_count(scope, target.cluster, target.service, to);
  if (!told && told.error().http_status >= 500) co_return std::unexpected(told.error());
  TargetPlan plan;
  plan.next = target;
  if (told) {
    activity.status = "InProgress";
    activity.message = fmt::format(
        "Successfully set desired count to {}. Waiting for change to be fulfilled by ecs.", to);
  } else {
    activity.status = "Failed";
    activity.message =
        fmt::format("Failed to set desired count to {}. Reason: {}", to, told.error().message);
    activity.ended = scaling_.clock.now();
    plan.next.change->ended = activity.ended;
  }
  plan.ended = std::move(activity);
  co_return co_await carry_out(scope, std::move(row), std::move(plan));
}

task<Result<reconcile::Requeue>> TargetController::reconcile(std::string key) {
  const auto parts = parse_key(key);
  if (!parts || parts->table != "targets") co_return reconcile::Requeue{};
  const Tables tables = scaling_.tables(parts->scope);
  auto row = tables.targets.get(parts->id);
  if (!row) co_return reconcile::Requeue{};
  co_await ensure_policies(parts->scope, row->value);
  for (int round = 0; round < kMostRounds; ++round) {
    row = tables.targets.get(parts->id);
    if (!row) co_return reconcile::Requeue{};
    const TimePoint now = scaling_.clock.now();
    const Seen seen = observe(scaling_, parts->scope, row->value, signals_, now);
    TargetPlan plan = plan_target(row->value, seen, now);
    if (plan.idle()) {
      const bool alarmed = std::ranges::any_of(seen.policies, [](const SeenPolicy& policy) {
        return policy.tracking.high || policy.tracking.low || !policy.alarms.empty();
      });
      auto after = plan.look_again;
      if (alarmed && (!after || *after > kLookAgain)) after = kLookAgain;
      co_return reconcile::Requeue{after};
    }
    if (plan.desired) {
      LF_CO_OK(co_await tell_service(parts->scope, *row, *seen.under_way));
    } else {
      LF_CO_OK(co_await carry_out(parts->scope, *row, std::move(plan)));
    }
  }
  co_return reconcile::Requeue{Millis(1000)};
}

}  // namespace landfall::application_autoscaling
