// operations: PutUserPolicy, GetUserPolicy, DeleteUserPolicy, ListUserPolicies, PutGroupPolicy
// operations: GetGroupPolicy, DeleteGroupPolicy, ListGroupPolicies, PutRolePolicy
// operations: GetRolePolicy, DeleteRolePolicy, ListRolePolicies
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

template <class Kind>
task<Result<void>> put(Iam& iam, std::string account, std::string owner, std::string name,
                       std::string document) {
  LF_CO_OK(check_identity_document(document));
  const auto set = [owner, name, document](typename Kind::Record& record) -> Result<bool> {
    auto& held = record.policies.inline_policies;
    held[name] = document;
    std::size_t size = 0;
    for (const auto& [other, text] : held) size += document_size(text);
    if (size > Kind::kInlineBytes) {
      return errors::limit_exceeded(
          fmt::format("Maximum policy size of {} bytes exceeded for {} {}", Kind::kInlineBytes,
                      Kind::kWord, owner));
    }
    return true;
  };
  co_return co_await edit<Kind>(iam, account, owner, set);
}

std::unexpected<Error> no_such_policy(std::string_view kind, const std::string& name) {
  return errors::no_such_entity(
      fmt::format("The {} policy with name {} cannot be found.", kind, name));
}

template <class Kind>
Result<std::string> get(const Iam& iam, const std::string& account, const std::string& owner,
                        const std::string& name) {
  LF_TRY(record, need<Kind>(iam, account, owner));
  const auto found = record.policies.inline_policies.find(name);
  if (found == record.policies.inline_policies.end()) return no_such_policy(Kind::kWord, name);
  return encoded_document(found->second);
}

template <class Kind>
task<Result<void>> remove(Iam& iam, std::string account, std::string owner, std::string name) {
  const auto erase = [name](typename Kind::Record& record) -> Result<bool> {
    if (record.policies.inline_policies.erase(name)) return true;
    return no_such_policy(Kind::kWord, name);
  };
  co_return co_await edit<Kind>(iam, account, owner, erase);
}

template <class Kind, class Response>
Result<Response> list(const Iam& iam, const std::string& account, const std::string& owner,
                      const std::optional<std::string>& marker,
                      const std::optional<std::int32_t>& most) {
  LF_TRY(record, need<Kind>(iam, account, owner));
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, text] : record.policies.inline_policies) all.emplace_back(name, name);
  LF_TRY(page, page_of("inline-policies", std::move(all), marker, most));
  return Response{
      .policy_names = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

}  // namespace

task<Result<PutUserPolicyResponse>> put_user_policy(Iam& iam, const RequestContext& ctx,
                                                    PutUserPolicyRequest in) {
  LF_CO_OK(co_await put<UserKind>(iam, ctx.scope.account, in.user_name, in.policy_name,
                                  in.policy_document));
  co_return PutUserPolicyResponse{};
}
task<Result<PutGroupPolicyResponse>> put_group_policy(Iam& iam, const RequestContext& ctx,
                                                      PutGroupPolicyRequest in) {
  LF_CO_OK(co_await put<GroupKind>(iam, ctx.scope.account, in.group_name, in.policy_name,
                                   in.policy_document));
  co_return PutGroupPolicyResponse{};
}
task<Result<PutRolePolicyResponse>> put_role_policy(Iam& iam, const RequestContext& ctx,
                                                    PutRolePolicyRequest in) {
  LF_CO_OK(co_await put<RoleKind>(iam, ctx.scope.account, in.role_name, in.policy_name,
                                  in.policy_document));
  co_return PutRolePolicyResponse{};
}

task<Result<GetUserPolicyResponse>> get_user_policy(Iam& iam, const RequestContext& ctx,
                                                    GetUserPolicyRequest in) {
  LF_CO_TRY(document, get<UserKind>(iam, ctx.scope.account, in.user_name, in.policy_name));
  co_return GetUserPolicyResponse{
      .user_name = in.user_name, .policy_name = in.policy_name, .policy_document = document};
}
task<Result<GetGroupPolicyResponse>> get_group_policy(Iam& iam, const RequestContext& ctx,
                                                      GetGroupPolicyRequest in) {
  LF_CO_TRY(document, get<GroupKind>(iam, ctx.scope.account, in.group_name, in.policy_name));
  co_return GetGroupPolicyResponse{
      .group_name = in.group_name, .policy_name = in.policy_name, .policy_document = document};
}
task<Result<GetRolePolicyResponse>> get_role_policy(Iam& iam, const RequestContext& ctx,
                                                    GetRolePolicyRequest in) {
  LF_CO_TRY(document, get<RoleKind>(iam, ctx.scope.account, in.role_name, in.policy_name));
  co_return GetRolePolicyResponse{
      .role_name = in.role_name, .policy_name = in.policy_name, .policy_document = document};
}

task<Result<DeleteUserPolicyResponse>> delete_user_policy(Iam& iam, const RequestContext& ctx,
                                                          DeleteUserPolicyRequest in) {
  LF_CO_OK(co_await remove<UserKind>(iam, ctx.scope.account, in.user_name, in.policy_name));
  co_return DeleteUserPolicyResponse{};
}
task<Result<DeleteGroupPolicyResponse>> delete_group_policy(Iam& iam, const RequestContext& ctx,
                                                            DeleteGroupPolicyRequest in) {
  LF_CO_OK(co_await remove<GroupKind>(iam, ctx.scope.account, in.group_name, in.policy_name));
  co_return DeleteGroupPolicyResponse{};
}
task<Result<DeleteRolePolicyResponse>> delete_role_policy(Iam& iam, const RequestContext& ctx,
                                                          DeleteRolePolicyRequest in) {
  LF_CO_OK(co_await remove<RoleKind>(iam, ctx.scope.account, in.role_name, in.policy_name));
  co_return DeleteRolePolicyResponse{};
}

task<Result<ListUserPoliciesResponse>> list_user_policies(Iam& iam, const RequestContext& ctx,
                                                          ListUserPoliciesRequest in) {
  co_return list<UserKind, ListUserPoliciesResponse>(iam, ctx.scope.account, in.user_name,
                                                     in.marker, in.max_items);
}
task<Result<ListGroupPoliciesResponse>> list_group_policies(Iam& iam, const RequestContext& ctx,
                                                            ListGroupPoliciesRequest in) {
  co_return list<GroupKind, ListGroupPoliciesResponse>(iam, ctx.scope.account, in.group_name,
                                                       in.marker, in.max_items);
}
task<Result<ListRolePoliciesResponse>> list_role_policies(Iam& iam, const RequestContext& ctx,
                                                          ListRolePoliciesRequest in) {
  co_return list<RoleKind, ListRolePoliciesResponse>(iam, ctx.scope.account, in.role_name,
                                                     in.marker, in.max_items);
}

}  // namespace landfall::iam
