// operations: RegisterTargets, DeregisterTargets, DescribeTargetHealth
#include "services/elbv2/targets.h"

#include "services/elbv2/find.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

TargetHealthDescription describe(const TargetGroupRecord& group, const TargetRecord& target,
                                 const Health& health) {
  TargetHealthDescription out;
  TargetDescription& shape = out.target.emplace();
  shape.id = target.id;
  shape.port = target.port;
  if (!target.zone.empty() && group.target_type == "ip") shape.availability_zone = target.zone;
  out.health_check_port = group.health_check.port == "traffic-port" ? std::to_string(target.port)
                                                                    : group.health_check.port;
  TargetHealth& state = out.target_health.emplace();
  state.state = health.state;
  if (!health.reason.empty()) state.reason = health.reason;
  if (!health.description.empty()) state.description = health.description;
  if (group.application()) {
    out.anomaly_detection.emplace().result = "normal";
    out.anomaly_detection->mitigation_in_effect = "no";
  }
  return out;
}

}  // namespace

task<Result<RegisterTargetsResponse>> register_targets(Elbv2& elbv2, const RequestContext& ctx,
                                                       RegisterTargetsRequest in) {
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_target_group(elbv2.tables(ctx.scope), ctx.scope, in.target_group_arn));
  store::Transaction transaction;
  LF_CO_OK(add_targets(elbv2, row.value, in.targets, ctx.now, transaction));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return RegisterTargetsResponse{};
}

task<Result<DeregisterTargetsResponse>> deregister_targets(Elbv2& elbv2, const RequestContext& ctx,
                                                           DeregisterTargetsRequest in) {
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_target_group(elbv2.tables(ctx.scope), ctx.scope, in.target_group_arn));
  store::Transaction transaction;
  LF_CO_OK(remove_targets(elbv2, row.value, in.targets, ctx.now, transaction));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return DeregisterTargetsResponse{};
}

task<Result<DescribeTargetHealthResponse>> describe_target_health(Elbv2& elbv2,
                                                                  const RequestContext& ctx,
                                                                  DescribeTargetHealthRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  LF_CO_TRY(row, find_target_group(tables, ctx.scope, in.target_group_arn));
  const TargetGroupRecord& group = row.value;
  const auto balancer = balancer_of(tables, group);
  const auto health = [&](const TargetRecord& target) {
    return health_of(elbv2, group, target, balancer ? &*balancer : nullptr);
  };
  DescribeTargetHealthResponse out;
  if (in.targets.empty()) {
    for (const auto& target : targets_of(tables, group)) {
      out.target_health_descriptions.push_back(describe(group, target.value, health(target.value)));
    }
    co_return out;
  }
  for (const TargetDescription& wanted : in.targets) {
    TargetRecord target;
    target.id = wanted.id;
    target.port = wanted.port.value_or(group.port);
    if (const auto found = tables.targets.get(target_key(group, target))) {
      out.target_health_descriptions.push_back(describe(group, found->value, health(found->value)));
      continue;
    }
    out.target_health_descriptions.push_back(describe(
        group, target,
        {"unused", "Target.NotRegistered", "Target is not registered to the target group", {}}));
  }
  co_return out;
}

}  // namespace landfall::elbv2
