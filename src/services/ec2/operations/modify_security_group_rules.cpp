// operations: ModifySecurityGroupRules, UpdateSecurityGroupRuleDescriptionsIngress
// operations: UpdateSecurityGroupRuleDescriptionsEgress
#include "services/ec2/operations/find_group.h"
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

template <class In>
task<Result<void>> update_descriptions(Ec2& ec2, const RequestContext& ctx, In in, bool egress) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find_group(tables, in.group_id, in.group_name));
  auto& rules = row.value.rules;
  LF_CO_TRY(wanted, read_permissions(tables, row.value, in.ip_permissions, egress));
  for (const SecurityRuleRecord& rule : wanted) {
    const auto found =
        std::ranges::find_if(rules, [&](const auto& r) { return same_permission(r, rule); });
    if (found == rules.end()) {
      co_return fail("InvalidPermission.NotFound",
                     "The specified rule does not exist in this security group.");
    }
    found->description = rule.description;
  }
  for (const SecurityGroupRuleDescription& change : in.security_group_rule_descriptions) {
    const std::string id = change.security_group_rule_id.value_or("");
    const auto found = std::ranges::find(rules, id, &SecurityRuleRecord::id);
    if (found == rules.end() || found->egress != egress)
      co_return no_such(kinds::kSecurityRule, id);
    found->description = change.description.value_or("");
  }
  co_return co_await save(ec2, tables.security_groups, row.value);
}

}  // namespace

task<Result<ModifySecurityGroupRulesResponse>> modify_security_group_rules(
    Ec2& ec2, const RequestContext& ctx, ModifySecurityGroupRulesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.security_groups, kinds::kSecurityGroup, in.group_id));
    vpc_id = row.value.vpc_id;
    auto& rules = row.value.rules;
    for (const SecurityGroupRuleUpdate& update : in.security_group_rules) {
      const auto found =
          std::ranges::find(rules, update.security_group_rule_id, &SecurityRuleRecord::id);
      if (found == rules.end())
        co_return no_such(kinds::kSecurityRule, update.security_group_rule_id);
      if (!update.security_group_rule) continue;
      LF_CO_TRY(changed, read_rule(tables, row.value, *update.security_group_rule, found->egress));
      for (const SecurityRuleRecord& other : rules) {
        if (other.id == found->id || !same_permission(other, changed)) continue;
        co_return fail("InvalidPermission.Duplicate",
                       fmt::format("the specified rule \"{}\" already exists", text_of(changed)));
      }
      changed.id = found->id;
      changed.tags = found->tags;
      *found = changed;
    }
    LF_CO_OK(co_await save(ec2, tables.security_groups, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  ModifySecurityGroupRulesResponse out;
  out.return_ = true;
  co_return out;
}

task<Result<UpdateSecurityGroupRuleDescriptionsIngressResponse>>
update_security_group_rule_descriptions_ingress(
    Ec2& ec2, const RequestContext& ctx, UpdateSecurityGroupRuleDescriptionsIngressRequest in) {
  LF_CO_OK(co_await update_descriptions(ec2, ctx, std::move(in), false));
  UpdateSecurityGroupRuleDescriptionsIngressResponse out;
  out.return_ = true;
  co_return out;
}

task<Result<UpdateSecurityGroupRuleDescriptionsEgressResponse>>
update_security_group_rule_descriptions_egress(
    Ec2& ec2, const RequestContext& ctx, UpdateSecurityGroupRuleDescriptionsEgressRequest in) {
  LF_CO_OK(co_await update_descriptions(ec2, ctx, std::move(in), true));
  UpdateSecurityGroupRuleDescriptionsEgressResponse out;
  out.return_ = true;
  co_return out;
}

}  // namespace landfall::ec2
