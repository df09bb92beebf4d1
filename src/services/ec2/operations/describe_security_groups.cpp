// operations: DescribeSecurityGroups, DescribeSecurityGroupRules, DescribeSecurityGroupReferences
// operations: DescribeStaleSecurityGroups
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<DescribeSecurityGroupsResponse>> describe_security_groups(
    Ec2& ec2, const RequestContext& ctx, DescribeSecurityGroupsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  auto rows = tables.security_groups.list();
  if (!in.group_names.empty()) {
    for (const std::string& name : in.group_names) {
      if (std::ranges::none_of(rows, [&](const auto& row) { return row.value.name == name; })) {
        co_return fail("InvalidGroup.NotFound",
                       fmt::format("The security group '{}' does not exist", name));
      }
    }
    std::erase_if(rows, [&](const auto& row) {
      return std::ranges::find(in.group_names, row.value.name) == in.group_names.end();
    });
  }
  LF_CO_TRY(page,
            select(std::move(rows),
                   {kinds::kSecurityGroup, in.group_ids, in.filters, in.max_results, in.next_token},
                   facts_in<SecurityGroupRecord>(tables)));
  DescribeSecurityGroupsResponse out;
  for (const SecurityGroupRecord& group : page.items)
    out.security_groups.push_back(describe(tables, group));
  out.next_token = page.next_token;
  co_return out;
}

task<Result<DescribeSecurityGroupRulesResponse>> describe_security_group_rules(
    Ec2& ec2, const RequestContext& ctx, DescribeSecurityGroupRulesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  // select() looks at rows: each rule becomes one, with its group's id beside it.
  std::vector<store::Row<SecurityRuleRecord>> rows;
  std::map<std::string, SecurityGroupRecord> group_of;
  for (const auto& group : tables.security_groups.list()) {
    for (const SecurityRuleRecord& rule : group.value.rules) {
      rows.push_back({rule.id, rule, 0});
      group_of[rule.id] = group.value;
    }
  }
  std::ranges::sort(rows, {}, &store::Row<SecurityRuleRecord>::id);
  const std::function<Facts(const SecurityRuleRecord&)> facts =
      [&](const SecurityRuleRecord& rule) {
        const auto group = group_of.find(rule.id);
        return Facts{{"group-id", {group == group_of.end() ? "" : group->second.id}},
                     {"security-group-rule-id", {rule.id}}};
      };
  LF_CO_TRY(page, select(std::move(rows),
                         {kinds::kSecurityRule, in.security_group_rule_ids, in.filters,
                          in.max_results, in.next_token},
                         facts));
  DescribeSecurityGroupRulesResponse out;
  for (const SecurityRuleRecord& rule : page.items) {
    out.security_group_rules.push_back(describe(tables, group_of.at(rule.id), rule));
  }
  out.next_token = page.next_token;
  co_return out;
}

// Groups of *other*, peered VPCs that refer to these: there is no peering, so there are none.
task<Result<DescribeSecurityGroupReferencesResponse>> describe_security_group_references(
    Ec2& ec2, const RequestContext& ctx, DescribeSecurityGroupReferencesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  for (const std::string& id : in.group_id)
    LF_CO_OK(find(tables.security_groups, kinds::kSecurityGroup, id));
  co_return DescribeSecurityGroupReferencesResponse{};
}

// Rules that refer to groups of a deleted peering connection: none, for the same reason.
task<Result<DescribeStaleSecurityGroupsResponse>> describe_stale_security_groups(
    Ec2& ec2, const RequestContext& ctx, DescribeStaleSecurityGroupsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(find(tables.vpcs, kinds::kVpc, in.vpc_id));
  co_return DescribeStaleSecurityGroupsResponse{};
}

}  // namespace landfall::ec2
