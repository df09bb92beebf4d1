// operations: DescribeNetworkInterfaceAttribute, ModifyNetworkInterfaceAttribute
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<DescribeNetworkInterfaceAttributeResponse>> describe_network_interface_attribute(
    Ec2& ec2, const RequestContext& ctx, DescribeNetworkInterfaceAttributeRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(row, find(tables.interfaces, kinds::kInterface, in.network_interface_id));
  const NetworkInterface shown = describe(tables, row.value);
  DescribeNetworkInterfaceAttributeResponse out;
  out.network_interface_id = row.id;
  const std::string attribute = in.attribute.value_or("");
  if (attribute == "description") {
    out.description.emplace().value = row.value.description;
  } else if (attribute == "groupSet") {
    out.groups = shown.groups;
  } else if (attribute == "sourceDestCheck") {
    out.source_dest_check.emplace().value = true;
  } else if (attribute == "attachment") {
    out.attachment = shown.attachment;
  } else if (attribute == "associatePublicIpAddress") {
    out.associate_public_ip_address =
        !row.value.public_address.empty() && row.value.allocation_id.empty();
  } else {
    co_return fail("InvalidParameterValue",
                   fmt::format("Value ({}) for parameter attribute is invalid.", attribute));
  }
  co_return out;
}

task<Result<ModifyNetworkInterfaceAttributeResponse>> modify_network_interface_attribute(
    Ec2& ec2, const RequestContext& ctx, ModifyNetworkInterfaceAttributeRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  if (in.source_dest_check && !in.source_dest_check->value.value_or(true)) {
    co_return fail("InvalidParameterValue",
                   "An interface sends and receives only its own addresses here "
                   "(SourceDestCheck=true).");
  }
  if (in.attachment || in.ena_srd_specification || in.connection_tracking_specification ||
      in.enable_primary_ipv6.value_or(false) || in.associate_public_ip_address ||
      !in.associated_subnet_ids.empty()) {
    co_return fail("InvalidParameterValue",
                   "Of a network interface, Description, Groups and SourceDestCheck can be "
                   "changed here.");
  }
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.interfaces, kinds::kInterface, in.network_interface_id));
    if (row.value.requester_managed) {
      co_return fail("AuthFailure", "You do not have permission to access the specified resource.");
    }
    vpc_id = row.value.vpc_id;
    if (in.description) row.value.description = in.description->value.value_or("");
    if (!in.groups.empty()) {
      LF_CO_TRY(vpc, find(tables.vpcs, kinds::kVpc, vpc_id));
      LF_CO_TRY(groups, check_groups(tables, vpc.value, in.groups));
      row.value.group_ids = std::move(groups);
    }
    LF_CO_OK(co_await save(ec2, tables.interfaces, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return ModifyNetworkInterfaceAttributeResponse{};
}

}  // namespace landfall::ec2
