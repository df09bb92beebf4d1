// operations: CreateDhcpOptions, DeleteDhcpOptions, DescribeDhcpOptions, AssociateDhcpOptions
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

// What a task's resolv.conf can tell; time servers and NetBIOS have no reader here.
Result<void> check_option(const std::string& key, const std::vector<std::string>& values) {
  if (key == "domain-name") {
    if (values.size() == 1 && !values[0].empty()) return {};
    return fail("InvalidParameterValue", "domain-name takes one name.");
  }
  if (key != "domain-name-servers") {
    return fail("InvalidParameterValue",
                fmt::format("Value ({}) for parameter name is invalid. Options here are "
                            "domain-name and domain-name-servers.",
                            key));
  }
  for (const std::string& value : values) {
    if (value == kAmazonDns || Ipv4::parse(value)) continue;
    return fail(
        "InvalidParameterValue",
        fmt::format("Value ({}) for parameter value is invalid. Invalid DNS IPv4 address.", value));
  }
  if (!values.empty() && values.size() <= 4) return {};
  return fail("InvalidParameterValue", "domain-name-servers takes one to four addresses.");
}

}  // namespace

task<Result<CreateDhcpOptionsResponse>> create_dhcp_options(Ec2& ec2, const RequestContext& ctx,
                                                            CreateDhcpOptionsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kDhcpOptions));
  DhcpOptionsRecord options;
  for (const NewDhcpConfiguration& configuration : in.dhcp_configurations) {
    const std::string key = configuration.key.value_or("");
    LF_CO_OK(check_option(key, configuration.values));
    options.values[key] = configuration.values;
  }
  if (options.values.empty()) {
    co_return fail("MissingParameter", "The request must contain the parameter dhcpConfiguration");
  }
  options.id = ec2.new_id("dopt");
  options.tags = tags;
  const auto guard = co_await ec2.writing.enter();
  LF_CO_OK(co_await save(ec2, tables.dhcp_options, options));
  CreateDhcpOptionsResponse out;
  out.dhcp_options = describe(tables, options);
  co_return out;
}

task<Result<DescribeDhcpOptionsResponse>> describe_dhcp_options(Ec2& ec2, const RequestContext& ctx,
                                                                DescribeDhcpOptionsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.dhcp_options.list(),
                         {kinds::kDhcpOptions, in.dhcp_options_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<DhcpOptionsRecord>(tables)));
  DescribeDhcpOptionsResponse out;
  for (const DhcpOptionsRecord& options : page.items) {
    out.dhcp_options.push_back(describe(tables, options));
  }
  out.next_token = page.next_token;
  co_return out;
}

// Tasks that start from now on get them.
task<Result<AssociateDhcpOptionsResponse>> associate_dhcp_options(Ec2& ec2,
                                                                  const RequestContext& ctx,
                                                                  AssociateDhcpOptionsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(vpc, find(tables.vpcs, kinds::kVpc, in.vpc_id));
  // "default" means none at all.
  vpc.value.dhcp_options_id.clear();
  if (in.dhcp_options_id != "default") {
    LF_CO_TRY(options, find(tables.dhcp_options, kinds::kDhcpOptions, in.dhcp_options_id));
    vpc.value.dhcp_options_id = options.id;
  }
  LF_CO_OK(co_await save(ec2, tables.vpcs, vpc.value));
  co_return AssociateDhcpOptionsResponse{};
}

task<Result<DeleteDhcpOptionsResponse>> delete_dhcp_options(Ec2& ec2, const RequestContext& ctx,
                                                            DeleteDhcpOptionsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.dhcp_options, kinds::kDhcpOptions, in.dhcp_options_id));
  for (const auto& vpc : tables.vpcs.list()) {
    if (vpc.value.dhcp_options_id == row.id) co_return dependency_violation("dhcpOptions", row.id);
  }
  LF_CO_OK(co_await commit(ec2, {{}, {tables.dhcp_options.remove(row.id)}}));
  co_return DeleteDhcpOptionsResponse{};
}

}  // namespace landfall::ec2
