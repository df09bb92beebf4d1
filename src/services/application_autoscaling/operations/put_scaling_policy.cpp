#include "services/application_autoscaling/controller/tracking_alarms.h"
#include "services/application_autoscaling/plan/capacity.h"
#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

constexpr std::size_t kMostPolicies = 50;

using PolicyRow = store::Row<PolicyRecord>;

json::value metric_of(const TargetTrackingScalingPolicyConfiguration& policy) {
  return json::array{record::encode(policy.predefined_metric_specification),
                     record::encode(policy.customized_metric_specification)};
}

// The type that a request means, with the configuration that belongs to it.
Result<std::string> type_of(const PutScalingPolicyRequest& in, const PolicyRecord* held) {
  const bool step = in.step_scaling_policy_configuration.has_value();
  const bool tracking = in.target_tracking_scaling_policy_configuration.has_value();
  std::string type = in.policy_type.value_or(held ? held->type : "StepScaling");
  if (type == "PredictiveScaling" || in.predictive_scaling_policy_configuration)
    return errors::validation(
        "Predictive scaling is not served here; PolicyType is TargetTrackingScaling or "
        "StepScaling.");
  if (step && tracking) return errors::validation("A policy has one scaling policy configuration.");
  if (type == "TargetTrackingScaling" ? step : tracking)
    return errors::validation(
        fmt::format("The scaling policy configuration is not one for policy type {}.", type));
  if (!step && !tracking && (!held || held->type != type))
    return errors::validation(fmt::format("{} is required for policy type {}.",
                                          type == "StepScaling"
                                              ? "StepScalingPolicyConfiguration"
                                              : "TargetTrackingScalingPolicyConfiguration",
                                          type));
  return type;
}

Result<void> apply(const PutScalingPolicyRequest& in, const std::string& resource,
                   PolicyRecord& policy) {
  LF_TRY(type, type_of(in, policy.type.empty() ? nullptr : &policy));
  policy.type = type;
  policy.alarms_made = kToBeMade;
  if (type == "StepScaling") {
    if (in.step_scaling_policy_configuration) policy.step = in.step_scaling_policy_configuration;
    policy.tracking.reset();
    policy.high_alarm.clear();
    policy.low_alarm.clear();
    return check_steps(*policy.step);
  }
  if (in.target_tracking_scaling_policy_configuration)
    policy.tracking = in.target_tracking_scaling_policy_configuration;
  policy.step.reset();
  LF_OK(check_tracking(*policy.tracking));
  policy.high_alarm = tracking_alarm_name(resource, "AlarmHigh", policy.id);
  policy.low_alarm = policy.tracking->disable_scale_in.value_or(false)
                         ? std::string()
                         : tracking_alarm_name(resource, "AlarmLow", policy.id);
  return {};
}

Result<void> check_others(const PolicyRecord& policy, const std::vector<PolicyRow>& others) {
  if (others.size() >= kMostPolicies)
    return errors::limit_exceeded(
        fmt::format("A scalable target has at most {} scaling policies.", kMostPolicies));
  if (!policy.tracking) return {};
  for (const PolicyRow& other : others) {
    if (other.value.tracking && metric_of(*other.value.tracking) == metric_of(*policy.tracking))
      return errors::validation(
          "Only one TargetTrackingScaling policy for a given metric specification is allowed.");
  }
  return {};
}

// As it was before a request whose alarms CloudWatch has refused.
task<void> put_back(ApplicationAutoscaling& scaling, Scope scope, TargetRecord target,
                    std::string id, std::optional<PolicyRow> before) {
  const auto table = scaling.tables(scope).policies;
  const auto now = table.get(id);
  if (!now) co_return;
  if (!before) {
    std::vector<std::string> alarms;
    for (const std::string& name : {now->value.high_alarm, now->value.low_alarm}) {
      if (!name.empty()) alarms.push_back(name);
    }
    (void)co_await scaling.cloudwatch.delete_alarms(scope, std::move(alarms));
    (void)co_await scaling.store.commit({{table.unchanged(id, now->revision)}, {table.remove(id)}});
    co_return;
  }
  before->value.alarms_made = kToBeMade;
  (void)co_await scaling.store.commit(
      {{table.unchanged(id, now->revision)}, {table.put(id, before->value)}});
  if (auto row = table.get(id))
    (void)co_await ensure_alarms(scaling, scope, std::move(target), std::move(*row));
}

}  // namespace

// Target tracking answers with the alarms it has made.
task<Result<PutScalingPolicyResponse>> put_scaling_policy(ApplicationAutoscaling& scaling,
                                                          const RequestContext& ctx,
                                                          PutScalingPolicyRequest in) {
  const Tables tables = scaling.tables(ctx.scope);
  for (int attempt = 0; attempt < 8; ++attempt) {
    LF_CO_TRY(target, find_target(scaling, ctx, "PutScalingPolicy", in.service_namespace,
                                  in.resource_id, in.scalable_dimension));
    const std::string id = child_id(target.id, in.policy_name);
    const auto held = tables.policies.get(id);
    PolicyRecord policy;
    if (held) {
      policy = held->value;
    } else {
      policy.id = scaling.random.uuid();
      policy.name = in.policy_name;
      policy.created = ctx.now;
    }
    LF_CO_OK(apply(in, target.value.resource(), policy));
    auto others = tables.policies.list(target.id + "/");
    std::erase_if(others, [&](const PolicyRow& row) { return row.id == id; });
    LF_CO_OK(check_others(policy, others));
    // The target must still be there.
    LF_CO_TRY(done, co_await scaling.store.commit(
                        {{tables.policies.unchanged(id, held ? held->revision : 0),
                          tables.targets.unchanged(target.id, target.revision)},
                         {tables.policies.put(id, policy)}}));
    if (!done.succeeded) continue;
    const auto row = tables.policies.get(id);
    if (!row) continue;  // deleted already
    if (auto made = co_await ensure_alarms(scaling, ctx.scope, target.value, *row); !made) {
      co_await put_back(scaling, ctx.scope, target.value, id, held);
      co_return errors::validation(
          fmt::format("The alarms of the policy cannot be made: {}", made.error().message));
    }
    PutScalingPolicyResponse out;
    out.policy_arn = policy_arn(ctx.scope, target.value.resource(), policy);
    out.alarms = alarms_of(scaling, ctx.scope, target.value.resource(), policy);
    co_return out;
  }
  co_return errors::concurrent_update("The scalable target keeps changing; try again.");
}

}  // namespace landfall::application_autoscaling
