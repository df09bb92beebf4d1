// operations: DescribeSubnets, DeleteSubnet, ModifySubnetAttribute
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<DescribeSubnetsResponse>> describe_subnets(Ec2& ec2, const RequestContext& ctx,
                                                       DescribeSubnetsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.subnets.list(),
                         {kinds::kSubnet, in.subnet_ids, in.filters, in.max_results, in.next_token},
                         facts_in<SubnetRecord>(tables)));
  std::vector<NetworkInterfaceRecord> interfaces;
  for (auto& row : tables.interfaces.list()) interfaces.push_back(std::move(row.value));
  DescribeSubnetsResponse out;
  for (const SubnetRecord& subnet : page.items)
    out.subnets.push_back(describe(tables, subnet, interfaces));
  out.next_token = page.next_token;
  co_return out;
}

task<Result<DeleteSubnetResponse>> delete_subnet(Ec2& ec2, const RequestContext& ctx,
                                                 DeleteSubnetRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.subnets, kinds::kSubnet, in.subnet_id));
  for (const auto& interface : tables.interfaces.list()) {
    if (interface.value.subnet_id == row.id) co_return dependency_violation("subnet", row.id);
  }
  store::Transaction transaction;
  transaction.operations.push_back(tables.subnets.remove(row.id));
  // Its associations go with it.
  for (auto& acl : tables.network_acls.list()) {
    const auto removed = std::erase_if(acl.value.associations, [&](const AclAssociationRecord& a) {
      return a.subnet_id == row.id;
    });
    if (removed > 0) transaction.operations.push_back(tables.network_acls.put(acl.id, acl.value));
  }
  for (auto& table : tables.route_tables.list()) {
    const auto removed =
        std::erase_if(table.value.associations,
                      [&](const RouteTableAssociationRecord& a) { return a.subnet_id == row.id; });
    if (removed > 0)
      transaction.operations.push_back(tables.route_tables.put(table.id, table.value));
  }
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  co_return DeleteSubnetResponse{};
}

task<Result<ModifySubnetAttributeResponse>> modify_subnet_attribute(
    Ec2& ec2, const RequestContext& ctx, ModifySubnetAttributeRequest in) {
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto on = [](const std::optional<AttributeBooleanValue>& given) {
    return given && given->value.value_or(false);
  };
  if (on(in.assign_ipv6_address_on_creation) || on(in.enable_dns64) ||
      on(in.enable_resource_name_dns_aaaa_record_on_launch) ||
      on(in.map_customer_owned_ip_on_launch)) {
    co_return fail("InvalidParameterValue", "Landfall's subnets have IPv4 and no Outposts.");
  }
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.subnets, kinds::kSubnet, in.subnet_id));
  if (in.map_public_ip_on_launch)
    row.value.map_public_ip_on_launch = on(in.map_public_ip_on_launch);
  if (in.private_dns_hostname_type_on_launch)
    row.value.hostname_type = *in.private_dns_hostname_type_on_launch;
  if (in.enable_resource_name_dns_a_record_on_launch) {
    row.value.hostname_a_record = on(in.enable_resource_name_dns_a_record_on_launch);
  }
  LF_CO_OK(co_await save(ec2, tables.subnets, row.value));
  co_return ModifySubnetAttributeResponse{};
}

}  // namespace landfall::ec2
