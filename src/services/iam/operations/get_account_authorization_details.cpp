#include "services/iam/managed.h"

namespace landfall::iam {
namespace {

// One of the four, by what it is.
struct Detail {
  std::optional<UserDetail> user;
  std::optional<GroupDetail> group;
  std::optional<RoleDetail> role;
  std::optional<ManagedPolicyDetail> policy;
};

wire::List<PolicyDetail> inline_list(const EntityPolicies& policies) {
  wire::List<PolicyDetail> out;
  out.present = true;
  for (const auto& [name, document] : policies.inline_policies) {
    out.push_back({.policy_name = name, .policy_document = encoded_document(document)});
  }
  return out;
}

wire::List<AttachedPolicy> attached_list(const EntityPolicies& policies) {
  wire::List<AttachedPolicy> out;
  out.present = true;
  for (const std::string& arn : policies.attached) out.push_back(to_attached(arn));
  return out;
}

UserDetail describe(const UserRecord& record, const std::string& account) {
  const User user = to_user(record, account);
  UserDetail out{.path = user.path,
                 .user_name = user.user_name,
                 .user_id = user.user_id,
                 .arn = user.arn,
                 .create_date = user.create_date,
                 .user_policy_list = inline_list(record.policies),
                 .attached_managed_policies = attached_list(record.policies),
                 .permissions_boundary = user.permissions_boundary,
                 .tags = user.tags};
  out.group_list.present = true;
  for (const std::string& group : record.groups) out.group_list.push_back(group);
  return out;
}

GroupDetail describe(const GroupRecord& record, const std::string& account) {
  const Group group = to_group(record, account);
  return {.path = group.path,
          .group_name = group.group_name,
          .group_id = group.group_id,
          .arn = group.arn,
          .create_date = group.create_date,
          .group_policy_list = inline_list(record.policies),
          .attached_managed_policies = attached_list(record.policies)};
}

RoleDetail describe(const Iam& iam, const RoleRecord& record, const std::string& account) {
  const Role role = to_role(record, account);
  RoleDetail out{.path = role.path,
                 .role_name = role.role_name,
                 .role_id = role.role_id,
                 .arn = role.arn,
                 .create_date = role.create_date,
                 .assume_role_policy_document = role.assume_role_policy_document,
                 .role_policy_list = inline_list(record.policies),
                 .attached_managed_policies = attached_list(record.policies),
                 .permissions_boundary = role.permissions_boundary,
                 .tags = role.tags};
  out.instance_profile_list.present = true;
  for (const auto& row : iam.instance_profiles(account).list()) {
    if (key_of(row.value.role) != key_of(record.name)) continue;
    out.instance_profile_list.push_back(to_instance_profile(iam, row.value, account));
  }
  return out;
}

ManagedPolicyDetail describe(const Policy& policy, wire::List<PolicyVersion> versions) {
  return {.policy_name = policy.policy_name,
          .policy_id = policy.policy_id,
          .arn = policy.arn,
          .path = policy.path,
          .default_version_id = policy.default_version_id,
          .attachment_count = policy.attachment_count,
          .permissions_boundary_usage_count = policy.permissions_boundary_usage_count,
          .is_attachable = policy.is_attachable,
          .description = policy.description,
          .create_date = policy.create_date,
          .update_date = policy.update_date,
          .policy_version_list = std::move(versions)};
}

PolicyVersion version(const std::string& document, std::int32_t number, bool is_default,
                      TimePoint created) {
  return {.document = encoded_document(document),
          .version_id = version_name(number),
          .is_default_version = is_default,
          .create_date = created};
}

using Details = std::vector<std::pair<std::string, Detail>>;

// AWS's own policies are told where they are attached.
void add_policies(const Iam& iam, const std::string& account, bool own, bool of_aws, Details& all) {
  const Usage usage = usage_of(iam, account);
  if (own) {
    for (const auto& row : iam.policies(account).list()) {
      wire::List<PolicyVersion> versions;
      for (const PolicyVersionRecord& held : row.value.versions) {
        versions.push_back(version(held.document, held.number,
                                   held.number == row.value.default_version, held.created));
      }
      Detail detail;
      detail.policy = describe(to_policy(row.value, account, usage), std::move(versions));
      all.emplace_back("4/" + row.id, std::move(detail));
    }
  }
  if (!of_aws) return;
  for (const ManagedPolicy& managed : managed_policies()) {
    const Policy policy = to_policy(managed, usage);
    if (!usage.attached.contains(managed.arn())) continue;
    wire::List<PolicyVersion> versions;
    versions.push_back(
        version(std::string(managed.document), 1, true, policy.create_date.value_or(TimePoint{})));
    Detail detail;
    detail.policy = describe(policy, std::move(versions));
    all.emplace_back("5/" + managed.arn(), std::move(detail));
  }
}

}  // namespace

task<Result<GetAccountAuthorizationDetailsResponse>> get_account_authorization_details(
    Iam& iam, const RequestContext& ctx, GetAccountAuthorizationDetailsRequest in) {
  const std::string& account = ctx.scope.account;
  const auto wanted = [&](std::string_view kind) {
    return in.filter.empty() || std::ranges::find(in.filter, kind) != in.filter.end();
  };
  Details all;
  if (wanted("User")) {
    for (const auto& row : iam.users(account).list()) {
      Detail detail;
      detail.user = describe(row.value, account);
      all.emplace_back("1/" + row.id, std::move(detail));
    }
  }
  if (wanted("Group")) {
    for (const auto& row : iam.groups(account).list()) {
      Detail detail;
      detail.group = describe(row.value, account);
      all.emplace_back("2/" + row.id, std::move(detail));
    }
  }
  if (wanted("Role")) {
    for (const auto& row : iam.roles(account).list()) {
      Detail detail;
      detail.role = describe(iam, row.value, account);
      all.emplace_back("3/" + row.id, std::move(detail));
    }
  }
  add_policies(iam, account, wanted("LocalManagedPolicy"), wanted("AWSManagedPolicy"), all);
  LF_CO_TRY(page, page_of("authorization-details", std::move(all), in.marker, in.max_items));
  GetAccountAuthorizationDetailsResponse out{.is_truncated = page.truncated, .marker = page.marker};
  out.user_detail_list.present = out.group_detail_list.present = true;
  out.role_detail_list.present = out.policies.present = true;
  for (Detail& detail : page.items) {
    if (detail.user) out.user_detail_list.push_back(std::move(*detail.user));
    if (detail.group) out.group_detail_list.push_back(std::move(*detail.group));
    if (detail.role) out.role_detail_list.push_back(std::move(*detail.role));
    if (detail.policy) out.policies.push_back(std::move(*detail.policy));
  }
  co_return out;
}

}  // namespace landfall::iam
