// operations: AttachUserPolicy, DetachUserPolicy, ListAttachedUserPolicies, AttachGroupPolicy
// operations: DetachGroupPolicy, ListAttachedGroupPolicies, AttachRolePolicy, DetachRolePolicy
// operations: ListAttachedRolePolicies
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kMostAttached = 20;

template <class Kind>
task<Result<void>> attach(Iam& iam, std::string account, std::string owner, std::string arn) {
  if (!iam.managed_document(arn)) {
    co_return errors::no_such_entity(
        fmt::format("Policy {} does not exist or is not attachable.", arn));
  }
  if (arn.starts_with("arn:aws:iam::aws:policy/aws-service-role/")) {
    co_return errors::policy_not_attachable(
        "Cannot attach a Service Role Policy to a Customer Role.");
  }
  const auto add = [arn](typename Kind::Record& record) -> Result<bool> {
    if (!record.policies.attached.insert(arn).second) return false;
    if (record.policies.attached.size() > kMostAttached) {
      return errors::limit_exceeded(
          fmt::format("Cannot exceed quota for attached policies: {}", kMostAttached));
    }
    return true;
  };
  co_return co_await edit<Kind>(iam, account, owner, add);
}

template <class Kind>
task<Result<void>> detach(Iam& iam, std::string account, std::string owner, std::string arn) {
  const auto erase = [arn](typename Kind::Record& record) -> Result<bool> {
    if (record.policies.attached.erase(arn)) return true;
    return errors::no_such_entity(fmt::format("Policy {} was not found.", arn));
  };
  co_return co_await edit<Kind>(iam, account, owner, erase);
}

template <class Kind, class Response>
Result<Response> list(const Iam& iam, const std::string& account, const std::string& owner,
                      const std::optional<std::string>& prefix,
                      const std::optional<std::string>& marker,
                      const std::optional<std::int32_t>& most) {
  LF_TRY(record, need<Kind>(iam, account, owner));
  std::vector<std::pair<std::string, AttachedPolicy>> all;
  for (const std::string& arn : record.policies.attached) {
    const std::size_t path = arn.find(":policy/");
    const std::string_view after = std::string_view(arn).substr(path + 7);
    if (is_below(after.substr(0, after.rfind('/') + 1), prefix)) {
      all.emplace_back(arn, to_attached(arn));
    }
  }
  LF_TRY(page, page_of("attached-policies", std::move(all), marker, most));
  return Response{
      .attached_policies = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

}  // namespace

task<Result<AttachUserPolicyResponse>> attach_user_policy(Iam& iam, const RequestContext& ctx,
                                                          AttachUserPolicyRequest in) {
  LF_CO_OK(co_await attach<UserKind>(iam, ctx.scope.account, in.user_name, in.policy_arn));
  co_return AttachUserPolicyResponse{};
}
task<Result<AttachGroupPolicyResponse>> attach_group_policy(Iam& iam, const RequestContext& ctx,
                                                            AttachGroupPolicyRequest in) {
  LF_CO_OK(co_await attach<GroupKind>(iam, ctx.scope.account, in.group_name, in.policy_arn));
  co_return AttachGroupPolicyResponse{};
}
task<Result<AttachRolePolicyResponse>> attach_role_policy(Iam& iam, const RequestContext& ctx,
                                                          AttachRolePolicyRequest in) {
  LF_CO_OK(co_await attach<RoleKind>(iam, ctx.scope.account, in.role_name, in.policy_arn));
  co_return AttachRolePolicyResponse{};
}

task<Result<DetachUserPolicyResponse>> detach_user_policy(Iam& iam, const RequestContext& ctx,
                                                          DetachUserPolicyRequest in) {
  LF_CO_OK(co_await detach<UserKind>(iam, ctx.scope.account, in.user_name, in.policy_arn));
  co_return DetachUserPolicyResponse{};
}
task<Result<DetachGroupPolicyResponse>> detach_group_policy(Iam& iam, const RequestContext& ctx,
                                                            DetachGroupPolicyRequest in) {
  LF_CO_OK(co_await detach<GroupKind>(iam, ctx.scope.account, in.group_name, in.policy_arn));
  co_return DetachGroupPolicyResponse{};
}
task<Result<DetachRolePolicyResponse>> detach_role_policy(Iam& iam, const RequestContext& ctx,
                                                          DetachRolePolicyRequest in) {
  LF_CO_OK(co_await detach<RoleKind>(iam, ctx.scope.account, in.role_name, in.policy_arn));
  co_return DetachRolePolicyResponse{};
}

task<Result<ListAttachedUserPoliciesResponse>> list_attached_user_policies(
    Iam& iam, const RequestContext& ctx, ListAttachedUserPoliciesRequest in) {
  co_return list<UserKind, ListAttachedUserPoliciesResponse>(
      iam, ctx.scope.account, in.user_name, in.path_prefix, in.marker, in.max_items);
}
task<Result<ListAttachedGroupPoliciesResponse>> list_attached_group_policies(
    Iam& iam, const RequestContext& ctx, ListAttachedGroupPoliciesRequest in) {
  co_return list<GroupKind, ListAttachedGroupPoliciesResponse>(
      iam, ctx.scope.account, in.group_name, in.path_prefix, in.marker, in.max_items);
}
task<Result<ListAttachedRolePoliciesResponse>> list_attached_role_policies(
    Iam& iam, const RequestContext& ctx, ListAttachedRolePoliciesRequest in) {
  co_return list<RoleKind, ListAttachedRolePoliciesResponse>(
      iam, ctx.scope.account, in.role_name, in.path_prefix, in.marker, in.max_items);
}

}  // namespace landfall::iam
