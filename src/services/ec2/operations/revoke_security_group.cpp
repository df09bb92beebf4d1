// operations: RevokeSecurityGroupIngress, RevokeSecurityGroupEgress
#include "services/ec2/operations/find_group.h"
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

struct Request {
  std::optional<std::string> group_id, group_name;
  wire::List<IpPermission> permissions;
  wire::List<std::string> rule_ids;
  bool egress = false;
};

wire::List<RevokedSecurityGroupRule> describe_revoked(
    const SecurityGroupRecord& group, const std::vector<SecurityRuleRecord>& rules) {
  wire::List<RevokedSecurityGroupRule> out;
  out.present = true;
  for (const SecurityRuleRecord& rule : rules) {
    RevokedSecurityGroupRule& shown = out.emplace_back();
    shown.security_group_rule_id = rule.id;
    shown.group_id = group.id;
    shown.is_egress = rule.egress;
    shown.ip_protocol = rule.protocol;
    shown.from_port = rule.from_port;
    shown.to_port = rule.to_port;
    if (!rule.cidr.empty()) shown.cidr_ipv4 = rule.cidr;
    if (!rule.cidr_v6.empty()) shown.cidr_ipv6 = rule.cidr_v6;
    if (!rule.group_id.empty()) shown.referenced_group_id = rule.group_id;
    if (!rule.prefix_list_id.empty()) shown.prefix_list_id = rule.prefix_list_id;
    if (!rule.description.empty()) shown.description = rule.description;
  }
  return out;
}

// Takes `rules` out of the group, all or none.
Result<std::vector<SecurityRuleRecord>> take_rules(const Tables& tables, SecurityGroupRecord& group,
                                                   const Request& in) {
  std::vector<SecurityRuleRecord> taken;
  const auto take = [&](auto matches) {
    const auto found = std::ranges::find_if(group.rules, matches);
    if (found == group.rules.end()) return false;
    taken.push_back(*found);
    group.rules.erase(found);
    return true;
  };
  for (const std::string& id : in.rule_ids) {
    if (!take([&](const SecurityRuleRecord& r) { return r.id == id && r.egress == in.egress; })) {
      return no_such(kinds::kSecurityRule, id);
    }
  }
  LF_TRY(rules, read_permissions(tables, group, in.permissions, in.egress));
  for (const SecurityRuleRecord& rule : rules) {
    if (!take([&](const SecurityRuleRecord& r) { return same_permission(r, rule); })) {
      return fail("InvalidPermission.NotFound",
                  "The specified rule does not exist in this security group.");
    }
  }
  return taken;
}

task<Result<wire::List<RevokedSecurityGroupRule>>> revoke(Ec2& ec2, const RequestContext& ctx,
                                                          Request in) {
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  wire::List<RevokedSecurityGroupRule> out;
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find_group(tables, in.group_id, in.group_name));
    if (in.permissions.empty() && in.rule_ids.empty()) {
      co_return fail("MissingParameter",
                     "Either ipPermissions or securityGroupRuleIds should be provided.");
    }
    LF_CO_TRY(taken, take_rules(tables, row.value, in));
    LF_CO_OK(co_await save(ec2, tables.security_groups, row.value));
    out = describe_revoked(row.value, taken);
    vpc_id = row.value.vpc_id;
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return out;
}

template <class In>
void add_simple_rule(const In& in, wire::List<IpPermission>& permissions) {
  auto simple =
      as_permission(SimpleRule{in.ip_protocol, in.cidr_ip, in.source_security_group_name,
                               in.source_security_group_owner_id, in.from_port, in.to_port});
  if (simple) permissions.push_back(std::move(*simple));
}

}  // namespace

task<Result<RevokeSecurityGroupIngressResponse>> revoke_security_group_ingress(
    Ec2& ec2, const RequestContext& ctx, RevokeSecurityGroupIngressRequest in) {
  LF_CO_OK(check_dry_run(in));
  add_simple_rule(in, in.ip_permissions);
  LF_CO_TRY(rules, co_await revoke(ec2, ctx,
                                   {in.group_id, in.group_name, in.ip_permissions,
                                    in.security_group_rule_ids, false}));
  RevokeSecurityGroupIngressResponse out;
  out.return_ = true;
  out.revoked_security_group_rules = rules;
  co_return out;
}

task<Result<RevokeSecurityGroupEgressResponse>> revoke_security_group_egress(
    Ec2& ec2, const RequestContext& ctx, RevokeSecurityGroupEgressRequest in) {
  LF_CO_OK(check_dry_run(in));
  add_simple_rule(in, in.ip_permissions);
  LF_CO_TRY(rules,
            co_await revoke(
                ec2, ctx, {in.group_id, {}, in.ip_permissions, in.security_group_rule_ids, true}));
  RevokeSecurityGroupEgressResponse out;
  out.return_ = true;
  out.revoked_security_group_rules = rules;
  co_return out;
}

}  // namespace landfall::ec2
