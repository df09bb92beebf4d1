// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
#include "services/elbv2/find.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

task<Result<DescribeLoadBalancersResponse>> describe_load_balancers(
    Elbv2& elbv2, const RequestContext& ctx, DescribeLoadBalancersRequest in) {
  if (!in.names.empty() && !in.load_balancer_arns.empty()) {
    co_return fail(
        "ValidationError",
        "Load balancer names and load balancer ARNs cannot be specified at the same time");
  }
  const Tables tables = elbv2.tables(ctx.scope);
  std::vector<LoadBalancerRow> found;
  for (const std::string& arn : in.load_balancer_arns) {
    auto row = find_load_balancer(tables, ctx.scope, arn);
    if (!row && row.error().code == "LoadBalancerNotFound")
      co_return errors::load_balancer_not_found("One or more load balancers not found");
    if (!row) co_return std::unexpected(row.error());
    found.push_back(std::move(*row));
  }
  for (const std::string& name : in.names) {
    auto row = tables.load_balancers.get(name);
    if (!row) {
      co_return errors::load_balancer_not_found(
          fmt::format("Load balancers '[{}]' not found", name));
    }
    found.push_back(std::move(*row));
  }
  if (in.names.empty() && in.load_balancer_arns.empty()) found = tables.load_balancers.list();
  DescribeLoadBalancersResponse out;
  LF_CO_TRY(next, page(found, "load-balancers", in.marker, in.page_size,
                       [](const LoadBalancerRow& row) { return row.id; }));
  out.next_marker = next;
  for (const LoadBalancerRow& row : found) out.load_balancers.push_back(to_shape(row.value));
  co_return out;
}

}  // namespace landfall::elbv2
