// operations: DescribeTargetGroups, DeleteTargetGroup, ModifyTargetGroup
// operations: DescribeTargetGroupAttributes, ModifyTargetGroupAttributes
#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "services/elbv2/health_check.h"
#include "services/elbv2/rules.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

Result<std::vector<TargetGroupRow>> chosen_groups(const Tables& tables, const Scope& scope,
                                                  const DescribeTargetGroupsRequest& in) {
  if (int(in.load_balancer_arn.has_value()) + int(!in.target_group_arns.empty()) +
          int(!in.names.empty()) >
      1) {
    return fail("ValidationError",
                "Target group names, target group ARNs and a load balancer ARN cannot be "
                "specified at the same time");
  }
  std::vector<TargetGroupRow> found;
  for (const std::string& arn : in.target_group_arns) {
    auto row = find_target_group(tables, scope, arn);
    if (!row && row.error().code == "TargetGroupNotFound")
      return errors::target_group_not_found("One or more target groups not found");
    if (!row) return std::unexpected(row.error());
    found.push_back(std::move(*row));
  }
  for (const std::string& name : in.names) {
    auto row = tables.target_groups.get(name);
    if (!row) return errors::target_group_not_found("One or more target groups not found");
    found.push_back(std::move(*row));
  }
  if (!in.target_group_arns.empty() || !in.names.empty()) return found;
  if (in.load_balancer_arn) LF_OK(find_load_balancer(tables, scope, *in.load_balancer_arn));
  for (auto& row : tables.target_groups.list()) {
    if (in.load_balancer_arn &&
        !load_balancers_of(tables, row.value.arn()).contains(*in.load_balancer_arn)) {
      continue;
    }
    found.push_back(std::move(row));
  }
  return found;
}

}  // namespace

task<Result<DescribeTargetGroupsResponse>> describe_target_groups(Elbv2& elbv2,
                                                                  const RequestContext& ctx,
                                                                  DescribeTargetGroupsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  LF_CO_TRY(found, chosen_groups(tables, ctx.scope, in));
  DescribeTargetGroupsResponse out;
  LF_CO_TRY(next, page(found, "target-groups", in.marker, in.page_size,
                       [](const TargetGroupRow& row) { return row.id; }));
  out.next_marker = next;
  for (const TargetGroupRow& row : found) out.target_groups.push_back(to_shape(tables, row.value));
  co_return out;
}

task<Result<DeleteTargetGroupResponse>> delete_target_group(Elbv2& elbv2, const RequestContext& ctx,
                                                            DeleteTargetGroupRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  const auto row = find_target_group(tables, ctx.scope, in.target_group_arn);
  if (!row) {
    // As on AWS: what is gone already counts as deleted.
    if (row.error().code == "TargetGroupNotFound") co_return DeleteTargetGroupResponse{};
    co_return std::unexpected(row.error());
  }
  if (!load_balancers_of(tables, in.target_group_arn).empty()) {
    co_return errors::resource_in_use(fmt::format(
        "Target group '{}' is currently in use by a listener or a rule", in.target_group_arn));
  }
  store::Transaction transaction;
  for (const auto& target : targets_of(tables, row->value))
    transaction.operations.push_back(tables.targets.remove(target.id));
  transaction.operations.push_back(tables.target_groups.remove(row->id));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return DeleteTargetGroupResponse{};
}

task<Result<ModifyTargetGroupResponse>> modify_target_group(Elbv2& elbv2, const RequestContext& ctx,
                                                            ModifyTargetGroupRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_target_group(tables, ctx.scope, in.target_group_arn));
  LF_CO_OK(change_health_check(row.value, health_check_change(in)));
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{}, {tables.target_groups.put(row.id, row.value)}}));
  ModifyTargetGroupResponse out;
  out.target_groups.push_back(to_shape(tables, row.value));
  co_return out;
}

task<Result<DescribeTargetGroupAttributesResponse>> describe_target_group_attributes(
    Elbv2& elbv2, const RequestContext& ctx, DescribeTargetGroupAttributesRequest in) {
  LF_CO_TRY(row, find_target_group(elbv2.tables(ctx.scope), ctx.scope, in.target_group_arn));
  DescribeTargetGroupAttributesResponse out;
  out.attributes = attribute_shapes<TargetGroupAttribute>(
      with_defaults(attribute_owner(row.value), row.value.attributes));
  co_return out;
}

task<Result<ModifyTargetGroupAttributesResponse>> modify_target_group_attributes(
    Elbv2& elbv2, const RequestContext& ctx, ModifyTargetGroupAttributesRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_target_group(tables, ctx.scope, in.target_group_arn));
  LF_CO_OK(set_attributes(attribute_owner(row.value), row.value.attributes,
                          attribute_changes(in.attributes)));
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{}, {tables.target_groups.put(row.id, row.value)}}));
  ModifyTargetGroupAttributesResponse out;
  out.attributes = attribute_shapes<TargetGroupAttribute>(
      with_defaults(attribute_owner(row.value), row.value.attributes));
  co_return out;
}

}  // namespace landfall::elbv2
