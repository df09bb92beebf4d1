// operations: DescribeScalingPolicies, DeleteScalingPolicy
#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

using PolicyRow = store::Row<PolicyRecord>;

ScalingPolicy to_api(const ApplicationAutoscaling& scaling, const Scope& scope,
                     const PolicyRow& row) {
  const PolicyRecord& policy = row.value;
  ScalingPolicy out;
  out.resource_id = "service/" + target_key_of(row.id);
  out.policy_arn = policy_arn(scope, out.resource_id, policy);
  out.policy_name = policy.name;
  out.service_namespace = kNamespace;
  out.scalable_dimension = kDimension;
  out.policy_type = policy.type;
  out.step_scaling_policy_configuration = policy.step;
  out.target_tracking_scaling_policy_configuration = policy.tracking;
  out.alarms = alarms_of(scaling, scope, out.resource_id, policy);
  out.creation_time = policy.created;
  return out;
}

}  // namespace

task<Result<DescribeScalingPoliciesResponse>> describe_scaling_policies(
    ApplicationAutoscaling& scaling, const RequestContext& ctx, DescribeScalingPoliciesRequest in) {
  LF_CO_TRY(query, read_list("policies", in.service_namespace, in.resource_id,
                             in.scalable_dimension, in.max_results, in.next_token));
  auto found = scaling.tables(ctx.scope).policies.list(
      query.place ? query.place->key() + "/" : std::string(), query.after);
  std::erase_if(found, [&](const PolicyRow& row) {
    return !in.policy_names.empty() &&
           std::ranges::find(in.policy_names, row.value.name) == in.policy_names.end();
  });
  DescribeScalingPoliciesResponse out;
  out.next_token =
      store::cut_page(found, query.limit, [](const PolicyRow& row) { return row.id; }, "policies");
  for (const PolicyRow& row : found)
    out.scaling_policies.push_back(to_api(scaling, ctx.scope, row));
  co_return out;
}

// The alarms go first: a crash in between leaves the policy, which makes them again.
task<Result<DeleteScalingPolicyResponse>> delete_scaling_policy(ApplicationAutoscaling& scaling,
                                                                const RequestContext& ctx,
                                                                DeleteScalingPolicyRequest in) {
  LF_CO_TRY(target, find_target(scaling, ctx, "DeleteScalingPolicy", in.service_namespace,
                                in.resource_id, in.scalable_dimension));
  const Tables tables = scaling.tables(ctx.scope);
  const std::string id = child_id(target.id, in.policy_name);
  const auto row = tables.policies.get(id);
  if (!row) {
    co_return errors::object_not_found(fmt::format(
        "No scaling policy found for service namespace: {}, resource ID: {}, scalable dimension: "
        "{}, policy name: {}",
        in.service_namespace, in.resource_id, in.scalable_dimension, in.policy_name));
  }
  std::vector<std::string> alarms;
  for (const std::string& name : {row->value.high_alarm, row->value.low_alarm}) {
    if (!name.empty()) alarms.push_back(name);
  }
  LF_CO_OK(co_await scaling.cloudwatch.delete_alarms(ctx.scope, alarms));
  LF_CO_OK(co_await scaling.store.commit({{}, {tables.policies.remove(id)}}));
  // The controller may have found them missing just before.
  LF_CO_OK(co_await scaling.cloudwatch.delete_alarms(ctx.scope, std::move(alarms)));
  co_return DeleteScalingPolicyResponse{};
}

}  // namespace landfall::application_autoscaling
