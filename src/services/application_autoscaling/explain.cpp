#include "services/application_autoscaling/explain.h"

#include "services/application_autoscaling/controller/tracking_alarms.h"

namespace landfall::application_autoscaling {
namespace {

using reconcile::Explanation;
using reconcile::Finding;
using reconcile::Severity;

std::optional<store::Row<TargetRecord>> find(const ApplicationAutoscaling& scaling,
                                             const Scope& scope, const std::string& reference) {
  const Tables tables = scaling.tables(scope);
  std::string key = reference;
  if (const auto policy = parse_policy_arn(scope, reference)) {
    key = policy->target_key;
  } else if (const auto arn = Arn::parse(reference)) {
    if (arn->account != scope.account || arn->region != scope.region) return {};
    if (arn->service == "application-autoscaling") {
      for (auto& row : tables.targets.list()) {
        if (target_arn(scope, row.value) == reference) return std::move(row);
      }
      return {};
    }
    if (arn->service != "ecs") return {};
    key = arn->resource;
  }
  if (key.starts_with("service/")) key.erase(0, 8);
  if (key.contains('/')) return tables.targets.get(key);
  for (auto& row : tables.targets.list()) {
    if (row.value.service == key) return std::move(row);
  }
  return {};
}

std::string number(double value) { return fmt::format("{:.6g}", value); }

std::string name_of(const TrackedMetric& tracked) {
  if (!tracked.queries.empty()) return "the metric expression";
  std::string dimensions;
  for (const auto& [name, value] : tracked.metric.dimensions)
    dimensions += fmt::format("{}{}={}", dimensions.empty() ? "" : ",", name, value);
  return fmt::format("{} {} [{}]", tracked.metric.space, tracked.metric.name, dimensions);
}

class Explainer {
 public:
  Explainer(const ApplicationAutoscaling& scaling, const Scope& scope, const TargetRecord& target,
            const Signals& signals)
      : scaling_(scaling),
        scope_(scope),
        target_(target),
        now_(scaling.clock.now()),
        seen_(observe(scaling, scope, target, signals, now_)) {}

  Explanation run() {
    out_.resource = target_arn(scope_, target_);
    out_.kind = "scalable target";
    const auto service = scaling_.ecs.find_service(scope_, target_.cluster, target_.service);
    if (!service) {
      out_.state = target_.resource() + ", which is gone";
      add(Severity::problem, "ServiceMissing",
          fmt::format("ECS service {} of cluster {} does not exist", target_.service,
                      target_.cluster),
          fmt::format("aws application-autoscaling deregister-scalable-target {}", flags()));
      return std::move(out_);
    }
    out_.depends_on.push_back(service->arn);
    out_.state =
        fmt::format("{}: {} tasks wanted, {} running, between {} and {}", target_.resource(),
                    service->desired, service->running, target_.min_capacity, target_.max_capacity);
    look_at_itself(*service);
    for (const SeenPolicy& policy : seen_.policies) {
      if (policy.record.tracking) {
        look_at_tracking(policy);
      } else {
        look_at_steps(policy);
      }
    }
    look_at_proposals(*service);
    return std::move(out_);
  }

 private:
  void add(Severity severity, std::string reason, std::string message, std::string advice = {}) {
    out_.findings.push_back({.severity = severity,
                             .reason = std::move(reason),
                             .message = std::move(message),
                             .advice = std::move(advice)});
  }

  std::string flags() const {
    return fmt::format("--service-namespace ecs --scalable-dimension {} --resource-id {}",
                       kDimension, target_.resource());
  }

  void look_at_itself(const ecs::ServiceScale& service) {
    if (seen_.policies.empty() && seen_.schedules.empty())
      add(Severity::warning, "NoPolicy",
          "there is no scaling policy and no scheduled action: nothing will scale it",
          fmt::format("aws application-autoscaling put-scaling-policy {} --policy-name NAME "
                      "--policy-type TargetTrackingScaling "
                      "--target-tracking-scaling-policy-configuration ...",
                      flags()));
    if (target_.out_suspended || target_.in_suspended || target_.schedule_suspended)
      add(Severity::warning, "Suspended",
          fmt::format("suspended:{}{}{}", target_.out_suspended ? " scaling out" : "",
                      target_.in_suspended ? " scaling in" : "",
                      target_.schedule_suspended ? " scheduled actions" : ""),
          fmt::format("aws application-autoscaling register-scalable-target {} --suspended-state "
                      "DynamicScalingInSuspended=false,DynamicScalingOutSuspended=false,"
                      "ScheduledScalingSuspended=false",
                      flags()));
    if (service.desired < target_.min_capacity || service.desired > target_.max_capacity)
      add(Severity::info, "OutsideOfBounds",
          fmt::format("the desired count {} was set by hand outside of {} to {}; the next scaling "
                      "comes back inside",
                      service.desired, target_.min_capacity, target_.max_capacity));
    if (seen_.under_way && seen_.under_way->status != "Successful" &&
        seen_.under_way->ended != TimePoint{})
      add(Severity::problem, "LastChange" + seen_.under_way->status, seen_.under_way->message);
    if (seen_.under_way && seen_.under_way->ended == TimePoint{}) {
      add(Severity::info, "ChangeUnderWay", seen_.under_way->message);
    } else {
      look_at_cooldown();
    }
  }

  void look_at_cooldown() {
    for (const Direction direction : {Direction::out, Direction::in}) {
      if (!cooling(target_, direction, now_)) continue;
      add(Severity::info, "CoolingDown",
          fmt::format("policy {} scaled {} to {}; its cool-down lasts until {}",
                      target_.change->policy, direction == Direction::out ? "out" : "in",
                      target_.change->to,
                      format_iso8601(target_.change->ended +
                                     std::chrono::seconds(target_.change->cooldown_s))));
    }
  }

  void look_at_tracking(const SeenPolicy& policy) {
    const double goal = policy.record.tracking->target_value;
    const TrackedMetric tracked = tracked_metric(target_, *policy.record.tracking, scaling_.timing);
    const auto high = scaling_.cloudwatch.alarm(scope_, policy.record.high_alarm);
    if (!high) {
      add(Severity::problem, "AlarmMissing",
          fmt::format("alarm {} of policy {} does not exist; it is being made again",
                      policy.record.high_alarm, policy.record.name));
      return;
    }
    if (high->state == cloudwatch::AlarmState::insufficient_data) {
      add(Severity::problem, "MetricMissing",
          fmt::format("policy {}: {} has no datapoints, and without them nothing scales ({})",
                      policy.record.name, name_of(tracked), high->reason));
      return;
    }
    const auto points = recent_points(scaling_, scope_, target_, policy.record, now_);
    const std::string latest =
        points.empty() ? high->reason
                       : fmt::format("{} is {}", name_of(tracked), number(points.back().value));
    add(Severity::info,
        policy.tracking.high  ? "AboveTarget"
        : policy.tracking.low ? "BelowTarget"
                              : "AtTarget",
        fmt::format("policy {}: {}; the target is {}", policy.record.name, latest, number(goal)));
  }

  void look_at_steps(const SeenPolicy& policy) {
    const std::string arn = policy_arn(scope_, target_.resource(), policy.record);
    const auto alarms = scaling_.cloudwatch.alarms_with_action(scope_, arn);
    if (alarms.empty())
      add(Severity::problem, "NoAlarm",
          fmt::format("no alarm has step scaling policy {} as an action", policy.record.name),
          fmt::format("aws cloudwatch put-metric-alarm ... --alarm-actions {}", arn));
    for (const std::string& name : alarms) {
      const auto alarm = scaling_.cloudwatch.alarm(scope_, name);
      if (!alarm) continue;
      const bool missing = alarm->state == cloudwatch::AlarmState::insufficient_data;
      add(missing ? Severity::problem : Severity::info, missing ? "MetricMissing" : "AlarmState",
          fmt::format("policy {}: alarm {} is {}: {}", policy.record.name, name,
                      cloudwatch::to_text(alarm->state), alarm->reason));
    }
  }

  void look_at_proposals(const ecs::ServiceScale& service) {
    for (const Proposal& proposal : proposals(target_, seen_, now_)) {
      const bool out = proposal.direction == Direction::out;
      const std::string who =
          fmt::format("policy {} wants {} tasks", proposal.policy, proposal.capacity);
      if (out && proposal.capacity > target_.max_capacity &&
          service.desired >= target_.max_capacity) {
        add(Severity::problem, "AlreadyAtMaxCapacity",
            fmt::format("{}, and the maximum is {}", who, target_.max_capacity),
            fmt::format("aws application-autoscaling register-scalable-target {} --max-capacity {}",
                        flags(), proposal.capacity));
      } else if (!out && service.desired <= target_.min_capacity) {
        add(Severity::info, "AlreadyAtMinCapacity",
            fmt::format("{}, and the minimum is {}", who, target_.min_capacity));
      } else if (!out && service.deploying) {
        add(Severity::info, "DeploymentUnderWay",
            fmt::format("{}, but nothing scales in while a deployment is under way", who));
      }
    }
    const bool some_low = std::ranges::any_of(
        seen_.policies, [](const SeenPolicy& policy) { return policy.tracking.low; });
    for (const SeenPolicy& policy : seen_.policies) {
      if (!some_low || policy.record.low_alarm.empty() || policy.tracking.low) continue;
      add(Severity::info, "PoliciesDisagree",
          fmt::format("policy {} is not ready to scale in, and all target tracking policies must "
                      "be",
                      policy.record.name));
    }
  }

  const ApplicationAutoscaling& scaling_;
  const Scope& scope_;
  const TargetRecord& target_;
  TimePoint now_;
  Seen seen_;
  Explanation out_;
};

}  // namespace

task<std::optional<Explanation>> explain(const ApplicationAutoscaling& scaling,
                                         const Signals& signals, Scope scope,
                                         std::string reference) {
  const auto row = find(scaling, scope, reference);
  if (!row) co_return std::nullopt;
  co_return Explainer(scaling, scope, row->value, signals).run();
}

}  // namespace landfall::application_autoscaling
