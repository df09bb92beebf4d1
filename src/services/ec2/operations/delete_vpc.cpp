#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

template <class T>
bool any_of_vpc(const store::Table<T>& table, std::string_view vpc_id,
                std::string_view except = {}) {
  return std::ranges::any_of(table.list(), [&](const store::Row<T>& row) {
    return row.value.vpc_id == vpc_id && row.id != except;
  });
}

bool has_live_nat_gateway(const Tables& tables, std::string_view vpc_id) {
  return std::ranges::any_of(tables.nat_gateways.list(), [&](const auto& row) {
    return row.value.vpc_id == vpc_id && row.value.carries();
  });
}

}  // namespace

// What every VPC is born with goes with it; everything else must have gone before.
task<Result<DeleteVpcResponse>> delete_vpc(Ec2& ec2, const RequestContext& ctx,
                                           DeleteVpcRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.vpcs, kinds::kVpc, in.vpc_id));
  const VpcRecord& vpc = row.value;
  if (any_of_vpc(tables.subnets, vpc.id) || any_of_vpc(tables.interfaces, vpc.id) ||
      any_of_vpc(tables.internet_gateways, vpc.id) || any_of_vpc(tables.endpoints, vpc.id) ||
      has_live_nat_gateway(tables, vpc.id) ||
      any_of_vpc(tables.security_groups, vpc.id, vpc.default_security_group_id) ||
      any_of_vpc(tables.route_tables, vpc.id, vpc.main_route_table_id) ||
      any_of_vpc(tables.network_acls, vpc.id, vpc.default_network_acl_id)) {
    co_return dependency_violation("vpc", vpc.id);
  }
  store::Transaction transaction;
  transaction.operations = {tables.vpcs.remove(vpc.id),
                            tables.route_tables.remove(vpc.main_route_table_id),
                            tables.security_groups.remove(vpc.default_security_group_id),
                            tables.network_acls.remove(vpc.default_network_acl_id)};
  for (const auto& gateway : tables.nat_gateways.list()) {
    if (gateway.value.vpc_id == vpc.id)
      transaction.operations.push_back(tables.nat_gateways.remove(gateway.id));
  }
  for (const auto& log : tables.flow_logs.list()) {
    if (log.value.vpc_id == vpc.id)
      transaction.operations.push_back(tables.flow_logs.remove(log.id));
  }
  if (vpc.is_default) transaction.operations.push_back(tables.defaults.put("default", {""}));
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  co_return DeleteVpcResponse{};
}

}  // namespace landfall::ec2
