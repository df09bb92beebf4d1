// operations: SetSubnets, SetSecurityGroups, SetIpAddressType, DescribeCapacityReservation
#include "services/elbv2/find.h"
#include "services/elbv2/placement.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

task<Result<SetSubnetsResponse>> set_subnets(Elbv2& elbv2, const RequestContext& ctx,
                                             SetSubnetsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_load_balancer(tables, ctx.scope, in.load_balancer_arn));
  LoadBalancerRecord& balancer = row.value;
  if (in.ip_address_type.value_or("ipv4") != "ipv4")
    co_return errors::invalid_configuration_request("Landfall's load balancers have IPv4 only");
  LF_CO_TRY(placed, place(elbv2, ctx.scope, balancer, in.subnets, in.subnet_mappings));
  if (placed.vpc_id != balancer.vpc_id) {
    co_return errors::invalid_configuration_request(
        fmt::format("The subnets must belong to VPC '{}'", balancer.vpc_id));
  }
  // A node that stays keeps its interface and addresses; the controller finds what to make and
  // what to remove.
  for (NodeRecord& node : placed.nodes) {
    const auto old = std::ranges::find(balancer.nodes, node.subnet_id, &NodeRecord::subnet_id);
    if (old != balancer.nodes.end() && old->wanted_address == node.wanted_address) node = *old;
  }
  balancer.nodes = std::move(placed.nodes);
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{}, {tables.load_balancers.put(row.id, balancer)}}));
  SetSubnetsResponse out;
  out.availability_zones = zones_of(balancer);
  out.ip_address_type = balancer.ip_address_type;
  co_return out;
}

task<Result<SetSecurityGroupsResponse>> set_security_groups(Elbv2& elbv2, const RequestContext& ctx,
                                                            SetSecurityGroupsRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_load_balancer(tables, ctx.scope, in.load_balancer_arn));
  LoadBalancerRecord& balancer = row.value;
  if (!balancer.application() && balancer.security_groups.empty()) {
    co_return errors::invalid_configuration_request(
        "A network load balancer that was created without security groups cannot be given any");
  }
  LF_CO_TRY(groups, check_security_groups(elbv2, ctx.scope, balancer.vpc_id, in.security_groups));
  if (groups.empty()) co_return fail("ValidationError", "At least one security group is needed");
  balancer.security_groups = std::move(groups);
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{}, {tables.load_balancers.put(row.id, balancer)}}));
  SetSecurityGroupsResponse out;
  for (const std::string& group : balancer.security_groups) out.security_group_ids.push_back(group);
  co_return out;
}

task<Result<SetIpAddressTypeResponse>> set_ip_address_type(Elbv2& elbv2, const RequestContext& ctx,
                                                           SetIpAddressTypeRequest in) {
  LF_CO_TRY(row, find_load_balancer(elbv2.tables(ctx.scope), ctx.scope, in.load_balancer_arn));
  if (in.ip_address_type != row.value.ip_address_type)
    co_return errors::invalid_configuration_request("Landfall's load balancers have IPv4 only");
  SetIpAddressTypeResponse out;
  out.ip_address_type = row.value.ip_address_type;
  co_return out;
}

// Nobody can reserve capacity here (ModifyCapacityReservation is not served), so none is.
task<Result<DescribeCapacityReservationResponse>> describe_capacity_reservation(
    Elbv2& elbv2, const RequestContext& ctx, DescribeCapacityReservationRequest in) {
  LF_CO_TRY(row, find_load_balancer(elbv2.tables(ctx.scope), ctx.scope, in.load_balancer_arn));
  DescribeCapacityReservationResponse out;
  out.last_modified_time = row.value.created_at;
  out.capacity_reservation_state.present = true;
  co_return out;
}

}  // namespace landfall::elbv2
