// operations: AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress
#include "services/ec2/operations/find_group.h"
#include "services/ec2/operations/operation.h"
#include "services/ec2/prefix_lists.h"

namespace landfall::ec2 {
namespace {

struct Request {
  std::optional<std::string> group_id, group_name;
  wire::List<IpPermission> permissions;
  wire::List<TagSpecification> tag_specifications;
  bool egress = false;
};

// All rules or none.
task<Result<wire::List<SecurityGroupRule>>> authorize(Ec2& ec2, const RequestContext& ctx,
                                                      Request in) {
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kSecurityRule));
  std::string vpc_id;
  wire::List<SecurityGroupRule> out;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find_group(tables, in.group_id, in.group_name));
    SecurityGroupRecord& group = row.value;
    vpc_id = group.vpc_id;
    if (in.permissions.empty()) {
      co_return fail("MissingParameter", "The request must contain the parameter ipPermissions");
    }
    LF_CO_TRY(rules, read_permissions(tables, group, in.permissions, in.egress));
    for (SecurityRuleRecord& rule : rules) {
      for (const SecurityRuleRecord& other : group.rules) {
        if (!same_permission(other, rule)) continue;
        co_return fail("InvalidPermission.Duplicate",
                       fmt::format("the specified rule \"{}\" already exists", text_of(rule)));
      }
      rule.id = ec2.new_id("sgr");
      rule.tags = tags;
      group.rules.push_back(rule);
      out.push_back(describe(tables, group, rule));
    }
    std::size_t weight = 0;
    for (const SecurityRuleRecord& rule : group.rules)
      if (rule.egress == in.egress) weight += weight_of(tables, rule);
    if (weight > kMostRules) {
      co_return fail("RulesPerSecurityGroupLimitExceeded",
                     "The maximum number of rules per security group has been reached.");
    }
    LF_CO_OK(co_await save(ec2, tables.security_groups, group));
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

task<Result<AuthorizeSecurityGroupIngressResponse>> authorize_security_group_ingress(
    Ec2& ec2, const RequestContext& ctx, AuthorizeSecurityGroupIngressRequest in) {
  LF_CO_OK(check_dry_run(in));
  add_simple_rule(in, in.ip_permissions);
  LF_CO_TRY(rules, co_await authorize(ec2, ctx,
                                      {in.group_id, in.group_name, in.ip_permissions,
                                       in.tag_specifications, false}));
  AuthorizeSecurityGroupIngressResponse out;
  out.return_ = true;
  out.security_group_rules = rules;
  co_return out;
}

task<Result<AuthorizeSecurityGroupEgressResponse>> authorize_security_group_egress(
    Ec2& ec2, const RequestContext& ctx, AuthorizeSecurityGroupEgressRequest in) {
  LF_CO_OK(check_dry_run(in));
  add_simple_rule(in, in.ip_permissions);
  LF_CO_TRY(rules,
            co_await authorize(ec2, ctx,
                               {in.group_id, {}, in.ip_permissions, in.tag_specifications, true}));
  AuthorizeSecurityGroupEgressResponse out;
  out.return_ = true;
  out.security_group_rules = rules;
  co_return out;
}

}  // namespace landfall::ec2
