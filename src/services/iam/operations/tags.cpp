// operations: TagUser, UntagUser, ListUserTags, TagRole, UntagRole, ListRoleTags, TagPolicy
// operations: UntagPolicy, ListPolicyTags, TagInstanceProfile, UntagInstanceProfile
// operations: ListInstanceProfileTags
#include "services/iam/managed.h"

namespace landfall::iam {
namespace {

template <class Record>
std::function<Result<bool>(Record&)> adding(wire::List<Tag> tags) {
  return [tags = std::move(tags)](Record& record) { return merge_tags(record.tags, tags); };
}
template <class Record>
std::function<Result<bool>(Record&)> taking(wire::List<std::string> keys) {
  return [keys = std::move(keys)](Record& record) { return take_tags(record.tags, keys); };
}

template <class Response, class Request>
Result<Response> list(const std::vector<TagRecord>& held, const Request& in) {
  std::vector<std::pair<std::string, Tag>> all;
  for (const TagRecord& tag : held)
    all.emplace_back(tag.key, Tag{.key = tag.key, .value = tag.value});
  std::ranges::sort(all, {}, [](const auto& item) { return item.first; });
  LF_TRY(page, page_of("tags", std::move(all), in.marker, in.max_items));
  return Response{.tags = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

}  // namespace

task<Result<TagUserResponse>> tag_user(Iam& iam, const RequestContext& ctx, TagUserRequest in) {
  LF_CO_OK(
      co_await edit<UserKind>(iam, ctx.scope.account, in.user_name, adding<UserRecord>(in.tags)));
  co_return TagUserResponse{};
}
task<Result<UntagUserResponse>> untag_user(Iam& iam, const RequestContext& ctx,
                                           UntagUserRequest in) {
  LF_CO_OK(co_await edit<UserKind>(iam, ctx.scope.account, in.user_name,
                                   taking<UserRecord>(in.tag_keys)));
  co_return UntagUserResponse{};
}
task<Result<ListUserTagsResponse>> list_user_tags(Iam& iam, const RequestContext& ctx,
                                                  ListUserTagsRequest in) {
  LF_CO_TRY(user, need<UserKind>(iam, ctx.scope.account, in.user_name));
  co_return list<ListUserTagsResponse>(user.tags, in);
}

task<Result<TagRoleResponse>> tag_role(Iam& iam, const RequestContext& ctx, TagRoleRequest in) {
  LF_CO_OK(
      co_await edit<RoleKind>(iam, ctx.scope.account, in.role_name, adding<RoleRecord>(in.tags)));
  co_return TagRoleResponse{};
}
task<Result<UntagRoleResponse>> untag_role(Iam& iam, const RequestContext& ctx,
                                           UntagRoleRequest in) {
  LF_CO_OK(co_await edit<RoleKind>(iam, ctx.scope.account, in.role_name,
                                   taking<RoleRecord>(in.tag_keys)));
  co_return UntagRoleResponse{};
}
task<Result<ListRoleTagsResponse>> list_role_tags(Iam& iam, const RequestContext& ctx,
                                                  ListRoleTagsRequest in) {
  LF_CO_TRY(role, need<RoleKind>(iam, ctx.scope.account, in.role_name));
  co_return list<ListRoleTagsResponse>(role.tags, in);
}

task<Result<TagPolicyResponse>> tag_policy(Iam& iam, const RequestContext&, TagPolicyRequest in) {
  LF_CO_OK(co_await edit_policy(iam, in.policy_arn, adding<PolicyRecord>(in.tags)));
  co_return TagPolicyResponse{};
}
task<Result<UntagPolicyResponse>> untag_policy(Iam& iam, const RequestContext&,
                                               UntagPolicyRequest in) {
  LF_CO_OK(co_await edit_policy(iam, in.policy_arn, taking<PolicyRecord>(in.tag_keys)));
  co_return UntagPolicyResponse{};
}
task<Result<ListPolicyTagsResponse>> list_policy_tags(Iam& iam, const RequestContext&,
                                                      ListPolicyTagsRequest in) {
  if (find_managed_policy(in.policy_arn)) {
    co_return ListPolicyTagsResponse{.tags = wire::List<Tag>(std::vector<Tag>{}),
                                     .is_truncated = false};
  }
  LF_CO_TRY(row, need_policy(iam, in.policy_arn));
  co_return list<ListPolicyTagsResponse>(row.value.tags, in);
}

task<Result<TagInstanceProfileResponse>> tag_instance_profile(Iam& iam, const RequestContext& ctx,
                                                              TagInstanceProfileRequest in) {
  LF_CO_OK(co_await edit<InstanceProfileKind>(iam, ctx.scope.account, in.instance_profile_name,
                                              adding<InstanceProfileRecord>(in.tags)));
  co_return TagInstanceProfileResponse{};
}
task<Result<UntagInstanceProfileResponse>> untag_instance_profile(Iam& iam,
                                                                  const RequestContext& ctx,
                                                                  UntagInstanceProfileRequest in) {
  LF_CO_OK(co_await edit<InstanceProfileKind>(iam, ctx.scope.account, in.instance_profile_name,
                                              taking<InstanceProfileRecord>(in.tag_keys)));
  co_return UntagInstanceProfileResponse{};
}
task<Result<ListInstanceProfileTagsResponse>> list_instance_profile_tags(
    Iam& iam, const RequestContext& ctx, ListInstanceProfileTagsRequest in) {
  LF_CO_TRY(profile, need<InstanceProfileKind>(iam, ctx.scope.account, in.instance_profile_name));
  co_return list<ListInstanceProfileTagsResponse>(profile.tags, in);
}

}  // namespace landfall::iam
