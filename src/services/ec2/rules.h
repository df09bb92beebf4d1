// Security group rules: from the forms clients write them in to records, and back. Pure.
#pragma once

#include "services/ec2/records.h"
#include "wire/ec2/types.h"

namespace landfall::ec2 {

// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: inbound and outbound
// each.
inline constexpr std::size_t kMostRules = 60;

// One record per peer of each permission, without ids. `own` resolves groups named by name or
// without an owner. Errors: InvalidParameterValue, InvalidParameterCombination,
// InvalidPermission.Malformed, InvalidGroup.NotFound, ...
Result<std::vector<SecurityRuleRecord>> read_permissions(
    const Tables& tables, const SecurityGroupRecord& own,
    const wire::List<IpPermission>& permissions, bool egress);

// The old form: one rule in members of the request itself. Absent when none of them is there.
struct SimpleRule {
  std::optional<std::string> protocol, cidr, group_name, group_owner;
  std::optional<std::int32_t> from_port, to_port;
};
std::optional<IpPermission> as_permission(const SimpleRule& simple);

// One rule as ModifySecurityGroupRules has it.
Result<SecurityRuleRecord> read_rule(const Tables& tables, const SecurityGroupRecord& own,
                                     const SecurityGroupRuleRequest& request, bool egress);

// Same traffic, whatever id, description and tags say.
bool same_permission(const SecurityRuleRecord& a, const SecurityRuleRecord& b);
// "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW", as AWS puts it into messages.
std::string text_of(const SecurityRuleRecord& rule);

// Rules of equal protocol and ports as one permission, as DescribeSecurityGroups shows them.
wire::List<IpPermission> group_permissions(const std::vector<SecurityRuleRecord>& rules,
                                           bool egress);
IpPermission as_permission(const SecurityRuleRecord& rule);

}  // namespace landfall::ec2
