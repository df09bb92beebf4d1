// operations: CreatePolicy, GetPolicy, DeletePolicy, ListPolicies, ListEntitiesForPolicy
#include "services/iam/managed.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kPolicyBytes = 6144;

}  // namespace

task<Result<CreatePolicyResponse>> create_policy(Iam& iam, const RequestContext& ctx,
                                                 CreatePolicyRequest in) {
  LF_CO_OK(check_path(in.path));
  const std::string& account = ctx.scope.account;
  LF_CO_OK(check_tags(in.tags));
  if (document_size(in.policy_document) > kPolicyBytes) {
    co_return errors::limit_exceeded("Cannot exceed quota for PolicySize: 6144");
  }
  LF_CO_OK(check_identity_document(in.policy_document));
  const PolicyRecord policy{
      .name = in.policy_name,
      .path = in.path.value_or("/"),
      .id = iam.new_id("ANPA"),
      .created = ctx.now,
      .updated = ctx.now,
      .description = in.description.value_or(""),
      .versions = {{.number = 1, .document = in.policy_document, .created = ctx.now}},
      .tags = to_records(in.tags)};
  const auto policies = iam.policies(account);
  const std::string key = key_of(policy.name);
  LF_CO_TRY(made, co_await iam.commit({{policies.absent(key)}, {policies.put(key, policy)}}));
  if (!made) {
    co_return errors::entity_already_exists(fmt::format(
        "A policy called {} already exists. Duplicate names are not allowed.", in.policy_name));
  }
  co_return CreatePolicyResponse{.policy = to_policy(policy, account, {})};
}

task<Result<GetPolicyResponse>> get_policy(Iam& iam, const RequestContext& ctx,
                                           GetPolicyRequest in) {
  const Usage usage = usage_of(iam, ctx.scope.account);
  if (const ManagedPolicy* managed = find_managed_policy(in.policy_arn)) {
    co_return GetPolicyResponse{.policy = to_policy(*managed, usage)};
  }
  LF_CO_TRY(row, need_policy(iam, in.policy_arn));
  co_return GetPolicyResponse{.policy = to_policy(row.value, ctx.scope.account, usage)};
}

task<Result<DeletePolicyResponse>> delete_policy(Iam& iam, const RequestContext& ctx,
                                                 DeletePolicyRequest in) {
  if (find_managed_policy(in.policy_arn)) {
    co_return fail("AccessDenied", fmt::format("Policy {} is managed by AWS.", in.policy_arn), 403);
  }
  LF_CO_TRY(row, need_policy(iam, in.policy_arn));
  const Usage usage = usage_of(iam, ctx.scope.account);
  if (usage.attached.contains(in.policy_arn) || usage.boundaries.contains(in.policy_arn)) {
    co_return errors::delete_conflict("Cannot delete a policy attached to entities.");
  }
  if (row.value.versions.size() > 1) {
    co_return errors::delete_conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the "
        "policy's versions. The default version is deleted with the policy.");
  }
  const auto policies = iam.policies(ctx.scope.account);
  LF_CO_TRY(gone, co_await iam.commit(
                      {{policies.unchanged(row.id, row.revision)}, {policies.remove(row.id)}}));
  if (!gone) {
    co_return errors::concurrent_modification("The policy was changed by another request.");
  }
  co_return DeletePolicyResponse{};
}

task<Result<ListPoliciesResponse>> list_policies(Iam& iam, const RequestContext& ctx,
                                                 ListPoliciesRequest in) {
  const std::string& account = ctx.scope.account;
  const Usage usage = usage_of(iam, account);
  const std::string scope = in.scope.value_or("All");
  std::vector<std::pair<std::string, Policy>> all;
  const auto consider = [&](Policy policy) {
    const bool attached = usage.attached.contains(*policy.arn);
    if (in.only_attached.value_or(false) && !attached) return;
    if (in.policy_usage_filter == "PermissionsBoundary" &&
        !usage.boundaries.contains(*policy.arn)) {
      return;
    }
    if (!is_below(*policy.path, in.path_prefix)) return;
    policy.tags = {};  // the list leaves them out
    std::string id = *policy.arn;
    all.emplace_back(std::move(id), std::move(policy));
  };
  if (scope != "AWS") {
    for (const auto& row : iam.policies(account).list()) {
      consider(to_policy(row.value, account, usage));
    }
  }
  if (scope != "Local") {
    for (const ManagedPolicy& managed : managed_policies()) consider(to_policy(managed, usage));
  }
  std::ranges::sort(all, {}, [](const auto& item) { return item.first; });
  LF_CO_TRY(page, page_of("policies", std::move(all), in.marker, in.max_items));
  co_return ListPoliciesResponse{
      .policies = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<ListEntitiesForPolicyResponse>> list_entities_for_policy(
    Iam& iam, const RequestContext& ctx, ListEntitiesForPolicyRequest in) {
  if (!iam.managed_document(in.policy_arn)) {
    co_return errors::no_such_entity(fmt::format("Policy {} was not found.", in.policy_arn));
  }
  const std::string filter = in.entity_filter.value_or("");
  const bool boundary = in.policy_usage_filter == "PermissionsBoundary";
  const auto uses = [&](const auto& record) {
    if (!is_below(record.path, in.path_prefix)) return false;
    if constexpr (requires { record.boundary; }) {
      if (boundary) return record.boundary == in.policy_arn;
    }
    return !boundary && record.policies.attached.contains(in.policy_arn);
  };
  ListEntitiesForPolicyResponse out{.is_truncated = false};
  const std::string& account = ctx.scope.account;
  if (filter.empty() || filter == "User") {
    for (const auto& row : iam.users(account).list()) {
      if (!uses(row.value)) continue;
      out.policy_users.push_back({.user_name = row.value.name, .user_id = row.value.id});
    }
  }
  if (filter.empty() || filter == "Group") {
    for (const auto& row : iam.groups(account).list()) {
      if (!uses(row.value)) continue;
      out.policy_groups.push_back({.group_name = row.value.name, .group_id = row.value.id});
    }
  }
  if (filter.empty() || filter == "Role") {
    for (const auto& row : iam.roles(account).list()) {
      if (!uses(row.value)) continue;
      out.policy_roles.push_back({.role_name = row.value.name, .role_id = row.value.id});
    }
  }
  co_return out;
}

}  // namespace landfall::iam
