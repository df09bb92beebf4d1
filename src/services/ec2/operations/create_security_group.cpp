// operations: CreateSecurityGroup, DeleteSecurityGroup
#include "services/ec2/operations/find_group.h"
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
constexpr std::string_view kAllowed =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*";

Result<void> check_text(std::string_view what, const std::string& text) {
  if (!text.empty() && text.size() <= 255 && text.find_first_not_of(kAllowed) == std::string::npos)
    return {};
  return fail(
      "InvalidParameterValue",
      fmt::format(
          "Value ({}) for parameter {} is invalid. Character sets beyond ASCII are not supported.",
          text, what));
}

}  // namespace

task<Result<CreateSecurityGroupResponse>> create_security_group(Ec2& ec2, const RequestContext& ctx,
                                                                CreateSecurityGroupRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(check_text("GroupName", in.group_name));
  LF_CO_OK(check_text("GroupDescription", in.description));
  if (in.group_name.starts_with("sg-")) {
    co_return fail("InvalidParameterValue",
                   fmt::format("Group names may not be in the format sg-*."));
  }
  if (in.group_name == "default") {
    co_return fail("InvalidParameterValue", "Cannot use reserved security group name: default");
  }
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kSecurityGroup));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(vpc_id, vpc_or_default(tables, in.vpc_id));
  for (const auto& row : tables.security_groups.list()) {
    if (row.value.vpc_id == vpc_id && row.value.name == in.group_name) {
      co_return fail("InvalidGroup.Duplicate",
                     fmt::format("The security group '{}' already exists for VPC '{}'",
                                 in.group_name, vpc_id));
    }
  }
  SecurityGroupRecord group;
  group.id = ec2.new_id("sg");
  group.vpc_id = vpc_id;
  group.name = in.group_name;
  group.description = in.description;
  group.rules = {allow_all_egress(ec2)};
  group.tags = tags;
  LF_CO_OK(co_await save(ec2, tables.security_groups, group));
  CreateSecurityGroupResponse out;
  out.group_id = group.id;
  out.security_group_arn = arn_of(ctx.scope, "security-group", group.id);
  out.tags = describe_tags(group.tags);
  co_return out;
}

task<Result<DeleteSecurityGroupResponse>> delete_security_group(Ec2& ec2, const RequestContext& ctx,
                                                                DeleteSecurityGroupRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find_group(tables, in.group_id, in.group_name));
  if (row.value.name == "default") {
    co_return fail(
        "CannotDelete",
        fmt::format("the specified group: \"{}\" name: \"default\" cannot be deleted by a user",
                    row.id));
  }
  for (const auto& interface : tables.interfaces.list()) {
    const auto& groups = interface.value.group_ids;
    if (std::ranges::find(groups, row.id) != groups.end()) {
      co_return fail("DependencyViolation",
                     fmt::format("resource {} has a dependent object", row.id));
    }
  }
  for (const auto& other : tables.security_groups.list()) {
    if (other.id == row.id) continue;
    if (std::ranges::find(other.value.rules, row.id, &SecurityRuleRecord::group_id) !=
        other.value.rules.end()) {
      co_return fail("DependencyViolation",
                     fmt::format("resource {} has a dependent object", row.id));
    }
  }
  store::Transaction transaction{{}, {tables.security_groups.remove(row.id)}};
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  DeleteSecurityGroupResponse out;
  out.return_ = true;
  out.group_id = row.id;
  co_return out;
}

}  // namespace landfall::ec2
