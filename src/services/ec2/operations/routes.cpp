// operations: CreateRoute, ReplaceRoute, DeleteRoute
#include "services/ec2/operations/operation.h"
#include "services/ec2/prefix_lists.h"

namespace landfall::ec2 {
namespace {

// Both requests have the same members.
template <class In>
Result<std::string> read_target(const Tables& tables, const RouteTableRecord& table, const In& in) {
  for (const auto& other :
       {in.egress_only_internet_gateway_id, in.instance_id, in.network_interface_id,
        in.vpc_peering_connection_id, in.vpc_endpoint_id, in.transit_gateway_id,
        in.local_gateway_id, in.carrier_gateway_id, in.core_network_arn, in.odb_network_arn}) {
    if (!other) continue;
    return fail("InvalidParameterValue",
                fmt::format("Routes lead to internet gateways and NAT gateways here, not to '{}'.",
                            *other));
  }
  if (in.gateway_id && in.nat_gateway_id) {
    return fail("InvalidParameterCombination",
                "The parameters gatewayId and natGatewayId may not be given together");
  }
  if (in.gateway_id) {
    const auto gateway = tables.internet_gateways.get(*in.gateway_id);
    if (!gateway) {
      return fail("InvalidGatewayID.NotFound",
                  fmt::format("The gateway ID '{}' does not exist", *in.gateway_id));
    }
    if (gateway->value.vpc_id != table.vpc_id) {
      return fail("InvalidParameterValue",
                  fmt::format("route table {} and network gateway {} belong to different networks",
                              table.id, gateway->id));
    }
    return gateway->id;
  }
  if (!in.nat_gateway_id) {
    return fail("MissingParameter",
                "The request must contain exactly one of gatewayId, natGatewayId");
  }
  const auto gateway = tables.nat_gateways.get(*in.nat_gateway_id);
  if (!gateway || !gateway->value.carries()) {
    return fail("InvalidNatGatewayID.NotFound",
                fmt::format("The natGateway ID '{}' does not exist", *in.nat_gateway_id));
  }
  if (gateway->value.vpc_id != table.vpc_id) {
    return fail("InvalidParameterValue",
                fmt::format("route table {} and NAT gateway {} belong to different networks",
                            table.id, gateway->id));
  }
  return gateway->id;
}

template <class In>
Result<std::string> read_destination(const Tables& tables, const In& in) {
  if (in.destination_ipv6_cidr_block) {
    return fail("InvalidParameterValue",
                "Route destinations are IPv4 blocks here (DestinationCidrBlock).");
  }
  if (in.destination_prefix_list_id) {
    const auto list = find_prefix_list(tables, *in.destination_prefix_list_id);
    if (!list) return no_such(kinds::kPrefixList, *in.destination_prefix_list_id);
    if (is_amazons(*list)) {
      return fail("InvalidParameterValue",
                  "Routes to AWS's own prefix lists are made with gateway endpoints "
                  "(CreateVpcEndpoint).");
    }
    return list->id;
  }
  if (!in.destination_cidr_block) {
    return fail("MissingParameter", "The request must contain the parameter destinationCidrBlock");
  }
  const auto block = Cidr::parse(*in.destination_cidr_block);
  if (!block) {
    return fail("InvalidParameterValue",
                fmt::format("Value ({}) for parameter destinationCidrBlock is invalid. This is not "
                            "a valid CIDR block.",
                            *in.destination_cidr_block));
  }
  return block->str();
}

// A packet for an address of the VPC never leaves it.
Result<void> check_not_local(const Tables& tables, const RouteTableRecord& table,
                             const std::string& destination, std::string_view message) {
  const auto vpc = tables.vpcs.get(table.vpc_id);
  const auto block = Cidr::parse(destination);
  if (!vpc || !block || !Cidr::parse(vpc->value.cidr)->contains(*block)) return {};
  return fail("InvalidParameterValue", fmt::format(fmt::runtime(message), destination, table.id));
}

}  // namespace

task<Result<CreateRouteResponse>> create_route(Ec2& ec2, const RequestContext& ctx,
                                               CreateRouteRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  CreateRouteResponse out;
  out.return_ = true;
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.route_tables, kinds::kRouteTable, in.route_table_id));
    LF_CO_TRY(destination, read_destination(tables, in));
    LF_CO_OK(check_not_local(tables, row.value, destination,
                             "The destination CIDR block {} is equal to or more specific than one "
                             "of this VPC's CIDR blocks. This route can target only an interface "
                             "or an instance."));
    LF_CO_TRY(target, read_target(tables, row.value, in));
    auto& routes = row.value.routes;
    const auto found = std::ranges::find(routes, destination, &RouteRecord::destination);
    if (found != routes.end()) {
      if (found->target == target) co_return out;  // as AWS: the same route again is no error
      co_return fail("RouteAlreadyExists",
                     fmt::format("The route identified by {} already exists.", destination));
    }
    routes.push_back({destination, target});
    vpc_id = row.value.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.route_tables, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return out;
}

task<Result<ReplaceRouteResponse>> replace_route(Ec2& ec2, const RequestContext& ctx,
                                                 ReplaceRouteRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.route_tables, kinds::kRouteTable, in.route_table_id));
    LF_CO_TRY(destination, read_destination(tables, in));
    auto& routes = row.value.routes;
    const auto found = std::ranges::find(routes, destination, &RouteRecord::destination);
    if (found == routes.end()) {
      co_return fail("InvalidParameterValue",
                     fmt::format("There is no route defined for '{}' in the route table. Use "
                                 "CreateRoute instead.",
                                 destination));
    }
    LF_CO_TRY(target, read_target(tables, row.value, in));
    found->target = target;
    vpc_id = row.value.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.route_tables, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return ReplaceRouteResponse{};
}

task<Result<DeleteRouteResponse>> delete_route(Ec2& ec2, const RequestContext& ctx,
                                               DeleteRouteRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.route_tables, kinds::kRouteTable, in.route_table_id));
    LF_CO_TRY(destination, read_destination(tables, in));
    LF_CO_OK(check_not_local(tables, row.value, destination,
                             "cannot remove local route {} in route table {}"));
    const auto gone = std::erase_if(
        row.value.routes, [&](const RouteRecord& r) { return r.destination == destination; });
    if (gone == 0) {
      co_return fail("InvalidRoute.NotFound",
                     fmt::format("no route with destination-cidr-block {} in route table {}",
                                 destination, row.id));
    }
    vpc_id = row.value.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.route_tables, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return DeleteRouteResponse{};
}

}  // namespace landfall::ec2
