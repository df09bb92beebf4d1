// operations: CreateNetworkInterface, DeleteNetworkInterface
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

Result<void> check_offered(const CreateNetworkInterfaceRequest& in) {
  if (in.interface_type.value_or("interface") != "interface") {
    return fail("InvalidParameterValue",
                fmt::format("Invalid value '{}' for InterfaceType. Here it is 'interface'.",
                            *in.interface_type));
  }
  if (in.ipv6_address_count.value_or(0) > 0 || !in.ipv6_addresses.empty() ||
      in.ipv6_prefix_count.value_or(0) > 0 || !in.ipv6_prefixes.empty() ||
      in.enable_primary_ipv6.value_or(false)) {
    return fail("InvalidParameterValue", "Landfall's networks have IPv4 only.");
  }
  if (in.ipv4_prefix_count.value_or(0) > 0 || !in.ipv4_prefixes.empty() ||
      in.secondary_private_ip_address_count.value_or(0) > 0 || in.private_ip_addresses.size() > 1 ||
      in.connection_tracking_specification || in.operator_) {
    return fail("InvalidParameterValue",
                "Network interfaces have one private address here, and default tracking.");
  }
  return {};
}

Result<std::optional<Ipv4>> asked_address(const CreateNetworkInterfaceRequest& in) {
  std::optional<std::string> text = in.private_ip_address;
  if (!in.private_ip_addresses.empty()) {
    if (text && text != in.private_ip_addresses[0].private_ip_address) {
      return fail("InvalidParameterCombination",
                  "PrivateIpAddress and PrivateIpAddresses name different addresses.");
    }
    text = in.private_ip_addresses[0].private_ip_address;
  }
  if (!text) return std::nullopt;
  const auto address = Ipv4::parse(*text);
  if (!address) {
    return fail("InvalidParameterValue",
                fmt::format("Value ({}) for parameter privateIpAddress is invalid.", *text));
  }
  return address;
}

}  // namespace

task<Result<CreateNetworkInterfaceResponse>> create_network_interface(
    Ec2& ec2, const RequestContext& ctx, CreateNetworkInterfaceRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(check_offered(in));
  LF_CO_TRY(address, asked_address(in));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kInterface));
  const ClientToken token{in.client_token.value_or(""),
                          fmt::format("{} {} {} {}", in.subnet_id, fmt::join(in.groups, ","),
                                      address ? address->str() : "", in.description.value_or(""))};
  NetworkInterfaceRecord interface;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(before, made_before(tables.interfaces, token));
    if (before) {
      interface = std::move(*before);
    } else {
      InterfaceRequest request;
      request.scope = ctx.scope;
      request.subnet_id = in.subnet_id;
      request.security_group_ids = in.groups;
      request.description = in.description.value_or("");
      request.private_address = address;
      store::Transaction transaction;
      LF_CO_TRY(made, prepare_interface(ec2, tables, request, transaction));
      interface = std::move(made);
      interface.made_by = token;
      interface.tags = tags;
      transaction.operations.push_back(tables.interfaces.put(interface.id, interface));
      LF_CO_OK(co_await commit(ec2, std::move(transaction)));
    }
  }
  co_await wait_in_force(ec2, ctx.scope, interface.vpc_id);
  CreateNetworkInterfaceResponse out;
  out.network_interface = describe(tables, interface);
  out.client_token = in.client_token;
  co_return out;
}

task<Result<DeleteNetworkInterfaceResponse>> delete_network_interface(
    Ec2& ec2, const RequestContext& ctx, DeleteNetworkInterfaceRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.interfaces, kinds::kInterface, in.network_interface_id));
    if (!row.value.attachment_id.empty()) {
      co_return fail("InvalidParameterValue",
                     fmt::format("Network interface '{}' is currently in use.", row.id));
    }
    vpc_id = row.value.vpc_id;
    store::Transaction transaction;
    prepare_interface_deletion(tables, row.value, transaction);
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return DeleteNetworkInterfaceResponse{};
}

}  // namespace landfall::ec2
