// operations: DescribeVpcs, DescribeVpcAttribute, ModifyVpcAttribute
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<DescribeVpcsResponse>> describe_vpcs(Ec2& ec2, const RequestContext& ctx,
                                                 DescribeVpcsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.vpcs.list(),
                         {kinds::kVpc, in.vpc_ids, in.filters, in.max_results, in.next_token},
                         facts_in<VpcRecord>(tables)));
  DescribeVpcsResponse out;
  for (const VpcRecord& vpc : page.items) out.vpcs.push_back(describe(tables, vpc));
  out.next_token = page.next_token;
  co_return out;
}

task<Result<DescribeVpcAttributeResponse>> describe_vpc_attribute(Ec2& ec2,
                                                                  const RequestContext& ctx,
                                                                  DescribeVpcAttributeRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(row, find(tables.vpcs, kinds::kVpc, in.vpc_id));
  DescribeVpcAttributeResponse out;
  out.vpc_id = row.id;
  if (in.attribute == "enableDnsSupport") {
    out.enable_dns_support.emplace().value = row.value.dns_support;
  } else if (in.attribute == "enableDnsHostnames") {
    out.enable_dns_hostnames.emplace().value = row.value.dns_hostnames;
  } else if (in.attribute == "enableNetworkAddressUsageMetrics") {
    out.enable_network_address_usage_metrics.emplace().value = false;
  } else {
    co_return fail("InvalidParameterValue",
                   fmt::format("Value ({}) for parameter attribute is invalid.", in.attribute));
  }
  co_return out;
}

task<Result<ModifyVpcAttributeResponse>> modify_vpc_attribute(Ec2& ec2, const RequestContext& ctx,
                                                              ModifyVpcAttributeRequest in) {
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  if (in.enable_dns_hostnames && in.enable_dns_support) {
    co_return fail("InvalidParameterCombination", "Fields for multiple attribute types specified");
  }
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.vpcs, kinds::kVpc, in.vpc_id));
    if (in.enable_dns_hostnames)
      row.value.dns_hostnames = in.enable_dns_hostnames->value.value_or(false);
    if (in.enable_dns_support) row.value.dns_support = in.enable_dns_support->value.value_or(true);
    if (in.enable_network_address_usage_metrics &&
        in.enable_network_address_usage_metrics->value.value_or(false)) {
      co_return fail("InvalidParameterValue",
                     "Network address usage metrics are not measured here.");
    }
    LF_CO_OK(co_await save(ec2, tables.vpcs, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, in.vpc_id);
  co_return ModifyVpcAttributeResponse{};
}

}  // namespace landfall::ec2
