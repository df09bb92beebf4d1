#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<DescribeNetworkInterfacesResponse>> describe_network_interfaces(
    Ec2& ec2, const RequestContext& ctx, DescribeNetworkInterfacesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.interfaces.list(),
                         {kinds::kInterface, in.network_interface_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<NetworkInterfaceRecord>(tables)));
  DescribeNetworkInterfacesResponse out;
  for (const NetworkInterfaceRecord& interface : page.items) {
    out.network_interfaces.push_back(describe(tables, interface));
  }
  out.next_token = page.next_token;
  co_return out;
}

}  // namespace landfall::ec2
