#include "services/ec2/operations/find_group.h"

namespace landfall::ec2 {

Result<std::string> vpc_or_default(const Tables& tables, const std::optional<std::string>& vpc_id) {
  if (vpc_id && !vpc_id->empty()) {
    if (!tables.vpcs.get(*vpc_id)) return no_such(kinds::kVpc, *vpc_id);
    return *vpc_id;
  }
  const auto defaults = tables.defaults.get("default");
  if (!defaults || !tables.vpcs.get(defaults->value.vpc_id)) {
    return fail("VPCIdNotSpecified", "No default VPC for this user");
  }
  return defaults->value.vpc_id;
}

Result<store::Row<SecurityGroupRecord>> find_group(const Tables& tables,
                                                   const std::optional<std::string>& id,
                                                   const std::optional<std::string>& name) {
  if (id && !id->empty()) return find(tables.security_groups, kinds::kSecurityGroup, *id);
  if (!name || name->empty()) {
    return fail("MissingParameter", "The request must contain the parameter groupName or groupId");
  }
  LF_TRY(vpc_id, vpc_or_default(tables, {}));
  for (auto& row : tables.security_groups.list()) {
    if (row.value.vpc_id == vpc_id && row.value.name == *name) return std::move(row);
  }
  return fail(
      "InvalidGroup.NotFound",
      fmt::format("The security group '{}' does not exist in default VPC '{}'", *name, vpc_id));
}

}  // namespace landfall::ec2
