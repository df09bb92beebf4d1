// operations: CreateNatGateway, DeleteNatGateway, DescribeNatGateways
#include "services/ec2/elastic.h"
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

// Deleted gateways are shown for about an hour.
// https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html
constexpr std::chrono::hours kShownAfterDeletion{1};

bool forgotten(const Ec2& ec2, const NatGatewayRecord& gateway) {
  const bool gone = gateway.deleted || !gateway.failure_code.empty();
  return gone && ec2.clock.now() - gateway.deleted_at > kShownAfterDeletion;
}

Result<void> check_offered(const CreateNatGatewayRequest& in) {
  if (in.connectivity_type.value_or("public") != "public") {
    return fail("InvalidParameterValue", "NAT gateways are public here (ConnectivityType=public).");
  }
  if (in.availability_mode.value_or("zonal") != "zonal" || in.availability_zone_addresses.given()) {
    return fail("InvalidParameterValue", "NAT gateways are zonal here (AvailabilityMode=zonal).");
  }
  if (!in.secondary_allocation_ids.empty() || !in.secondary_private_ip_addresses.empty() ||
      in.secondary_private_ip_address_count.value_or(0) > 0) {
    return fail("InvalidParameterValue", "NAT gateways have one address here.");
  }
  if (!in.subnet_id) {
    return fail("MissingParameter", "The request must contain the parameter subnetId");
  }
  if (!in.allocation_id) {
    return fail("MissingParameter", "The request must contain the parameter allocationId");
  }
  return {};
}

Result<std::optional<Ipv4>> read_address(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto address = Ipv4::parse(*text);
  if (!address) {
    return fail("InvalidParameterValue", fmt::format("Invalid value '{}' for address", *text));
  }
  return address;
}

// The interface with the gateway's two addresses. It has no security groups.
Result<void> add_interface(Ec2& ec2, const Tables& tables, const CreateNatGatewayRequest& in,
                           const ElasticAddressRecord& address, NatGatewayRecord& gateway,
                           store::Transaction& transaction) {
  InterfaceRequest request;
  request.scope = tables.scope;
  request.owner = "nat:" + gateway.id;
  request.subnet_id = gateway.subnet_id;
  request.description = "Interface for NAT Gateway " + gateway.id;
  request.interface_type = kNatInterfaceType;
  LF_TRY(asked, read_address(in.private_ip_address));
  request.private_address = asked;
  LF_TRY(interface, prepare_interface(ec2, tables, request, transaction));
  interface.group_ids.clear();
  give_address(ec2, address, interface, transaction);
  transaction.operations.push_back(tables.interfaces.put(interface.id, interface));
  gateway.interface_id = interface.id;
  return {};
}

}  // namespace

task<Result<CreateNatGatewayResponse>> create_nat_gateway(Ec2& ec2, const RequestContext& ctx,
                                                          CreateNatGatewayRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(check_offered(in));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kNatGateway));
  NatGatewayRecord gateway;
  {
    const auto guard = co_await ec2.writing.enter();
    const ClientToken token{in.client_token.value_or(""),
                            fmt::format("{} {} {}", *in.subnet_id, *in.allocation_id,
                                        in.private_ip_address.value_or(""))};
    LF_CO_TRY(before, made_before(tables.nat_gateways, token));
    if (before) {
      CreateNatGatewayResponse again;
      again.nat_gateway = describe(tables, *before);
      again.client_token = in.client_token;
      co_return again;
    }
    LF_CO_TRY(subnet, find(tables.subnets, kinds::kSubnet, *in.subnet_id));
    LF_CO_TRY(address, find_elastic(tables, in.allocation_id, {}));
    if (holder_of(tables, address.value)) {
      co_return fail("Resource.AlreadyAssociated",
                     fmt::format("Elastic IP address [{}] is already associated", address.id));
    }
    gateway.id = ec2.new_id("nat");
    gateway.vpc_id = subnet.value.vpc_id;
    gateway.subnet_id = subnet.id;
    gateway.allocation_id = address.id;
    gateway.created = ec2.clock.now();
    gateway.made_by = token;
    gateway.tags = tags;
    store::Transaction transaction;
    const bool attached =
        std::ranges::any_of(tables.internet_gateways.list(),
                            [&](const auto& row) { return row.value.vpc_id == gateway.vpc_id; });
    if (attached) {
      LF_CO_OK(add_interface(ec2, tables, in, address.value, gateway, transaction));
    } else {
      gateway.failure_code = "Gateway.NotAttached";
      gateway.failure_message =
          fmt::format("Network {} has no Internet gateway attached", gateway.vpc_id);
      gateway.deleted_at = gateway.created;
    }
    for (const auto& row : tables.nat_gateways.list()) {
      if (forgotten(ec2, row.value)) {
        transaction.operations.push_back(tables.nat_gateways.remove(row.id));
      }
    }
    transaction.operations.push_back(tables.nat_gateways.put(gateway.id, gateway));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_await wait_in_force(ec2, ctx.scope, gateway.vpc_id);
  CreateNatGatewayResponse out;
  out.nat_gateway = describe(tables, gateway);
  out.nat_gateway->state = "pending";  // what AWS says at first
  out.client_token = in.client_token;
  co_return out;
}

task<Result<DescribeNatGatewaysResponse>> describe_nat_gateways(Ec2& ec2, const RequestContext& ctx,
                                                                DescribeNatGatewaysRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  auto rows = tables.nat_gateways.list();
  std::erase_if(rows, [&](const auto& row) { return forgotten(ec2, row.value); });
  LF_CO_TRY(page, select(std::move(rows),
                         {kinds::kNatGateway, in.nat_gateway_ids, in.filter, in.max_results,
                          in.next_token},
                         facts_in<NatGatewayRecord>(tables)));
  DescribeNatGatewaysResponse out;
  for (const NatGatewayRecord& gateway : page.items) {
    out.nat_gateways.push_back(describe(tables, gateway));
  }
  out.next_token = page.next_token;
  co_return out;
}

// Its elastic address stays with its owner; routes to it stay, as black holes.
task<Result<DeleteNatGatewayResponse>> delete_nat_gateway(Ec2& ec2, const RequestContext& ctx,
                                                          DeleteNatGatewayRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.nat_gateways, kinds::kNatGateway, in.nat_gateway_id));
    if (row.value.deleted) co_return no_such(kinds::kNatGateway, row.id);
    vpc_id = row.value.vpc_id;
    row.value.deleted = true;
    row.value.deleted_at = ec2.clock.now();
    store::Transaction transaction;
    if (const auto interface = tables.interfaces.get(row.value.interface_id)) {
      prepare_interface_deletion(tables, interface->value, transaction);
    }
    transaction.operations.push_back(tables.nat_gateways.put(row.id, row.value));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  DeleteNatGatewayResponse out;
  out.nat_gateway_id = in.nat_gateway_id;
  co_return out;
}

}  // namespace landfall::ec2
