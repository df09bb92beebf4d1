// operations: DescribeLoadBalancerAttributes, ModifyLoadBalancerAttributes
#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

task<Result<DescribeLoadBalancerAttributesResponse>> describe_load_balancer_attributes(
    Elbv2& elbv2, const RequestContext& ctx, DescribeLoadBalancerAttributesRequest in) {
  LF_CO_TRY(row, find_load_balancer(elbv2.tables(ctx.scope), ctx.scope, in.load_balancer_arn));
  DescribeLoadBalancerAttributesResponse out;
  out.attributes = attribute_shapes<LoadBalancerAttribute>(
      with_defaults(attribute_owner(row.value), row.value.attributes));
  co_return out;
}

task<Result<ModifyLoadBalancerAttributesResponse>> modify_load_balancer_attributes(
    Elbv2& elbv2, const RequestContext& ctx, ModifyLoadBalancerAttributesRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_load_balancer(tables, ctx.scope, in.load_balancer_arn));
  LF_CO_OK(set_attributes(attribute_owner(row.value), row.value.attributes,
                          attribute_changes(in.attributes)));
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{}, {tables.load_balancers.put(row.id, row.value)}}));
  ModifyLoadBalancerAttributesResponse out;
  out.attributes = attribute_shapes<LoadBalancerAttribute>(
      with_defaults(attribute_owner(row.value), row.value.attributes));
  co_return out;
}

}  // namespace landfall::elbv2
