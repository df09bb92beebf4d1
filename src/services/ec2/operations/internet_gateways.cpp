// operations: CreateInternetGateway, DeleteInternetGateway, DescribeInternetGateways
// operations: AttachInternetGateway, DetachInternetGateway
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<CreateInternetGatewayResponse>> create_internet_gateway(
    Ec2& ec2, const RequestContext& ctx, CreateInternetGatewayRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kInternetGateway));
  const auto guard = co_await ec2.writing.enter();
  InternetGatewayRecord gateway;
  gateway.id = ec2.new_id("igw");
  gateway.tags = tags;
  LF_CO_OK(co_await save(ec2, tables.internet_gateways, gateway));
  CreateInternetGatewayResponse out;
  out.internet_gateway = describe(tables, gateway);
  co_return out;
}

task<Result<DescribeInternetGatewaysResponse>> describe_internet_gateways(
    Ec2& ec2, const RequestContext& ctx, DescribeInternetGatewaysRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.internet_gateways.list(),
                         {kinds::kInternetGateway, in.internet_gateway_ids, in.filters,
                          in.max_results, in.next_token},
                         facts_in<InternetGatewayRecord>(tables)));
  DescribeInternetGatewaysResponse out;
  for (const InternetGatewayRecord& gateway : page.items) {
    out.internet_gateways.push_back(describe(tables, gateway));
  }
  out.next_token = page.next_token;
  co_return out;
}

task<Result<AttachInternetGatewayResponse>> attach_internet_gateway(
    Ec2& ec2, const RequestContext& ctx, AttachInternetGatewayRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.internet_gateways, kinds::kInternetGateway, in.internet_gateway_id));
    LF_CO_OK(find(tables.vpcs, kinds::kVpc, in.vpc_id));
    if (!row.value.vpc_id.empty()) {
      co_return fail(
          "Resource.AlreadyAssociated",
          fmt::format("resource {} is already attached to network {}", row.id, row.value.vpc_id));
    }
    for (const auto& other : tables.internet_gateways.list()) {
      if (other.value.vpc_id != in.vpc_id) continue;
      co_return fail("InvalidParameterValue",
                     fmt::format("Network {} already has an internet gateway attached", in.vpc_id));
    }
    row.value.vpc_id = in.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.internet_gateways, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, in.vpc_id);
  co_return AttachInternetGatewayResponse{};
}

// Routes to it stay, as black holes.
task<Result<DetachInternetGatewayResponse>> detach_internet_gateway(
    Ec2& ec2, const RequestContext& ctx, DetachInternetGatewayRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.internet_gateways, kinds::kInternetGateway, in.internet_gateway_id));
    LF_CO_OK(find(tables.vpcs, kinds::kVpc, in.vpc_id));
    if (row.value.vpc_id != in.vpc_id) {
      co_return fail("Gateway.NotAttached",
                     fmt::format("resource {} is not attached to network {}", row.id, in.vpc_id));
    }
    for (const auto& interface : tables.interfaces.list()) {
      if (interface.value.vpc_id != in.vpc_id || interface.value.public_address.empty()) continue;
      co_return fail(
          "DependencyViolation",
          fmt::format("Network {} has some mapped public address(es). Please unmap those "
                      "public address(es) before detaching the gateway.",
                      in.vpc_id));
    }
    row.value.vpc_id.clear();
    LF_CO_OK(co_await save(ec2, tables.internet_gateways, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, in.vpc_id);
  co_return DetachInternetGatewayResponse{};
}

task<Result<DeleteInternetGatewayResponse>> delete_internet_gateway(
    Ec2& ec2, const RequestContext& ctx, DeleteInternetGatewayRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.internet_gateways, kinds::kInternetGateway, in.internet_gateway_id));
  if (!row.value.vpc_id.empty()) co_return dependency_violation("internetGateway", row.id);
  LF_CO_OK(co_await commit(ec2, {{}, {tables.internet_gateways.remove(row.id)}}));
  co_return DeleteInternetGatewayResponse{};
}

}  // namespace landfall::ec2
