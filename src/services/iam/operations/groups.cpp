// operations: CreateGroup, GetGroup, DeleteGroup, ListGroups, ListGroupsForUser, AddUserToGroup
// operations: RemoveUserFromGroup
#include "services/iam/entities.h"

namespace landfall::iam {

task<Result<CreateGroupResponse>> create_group(Iam& iam, const RequestContext& ctx,
                                               CreateGroupRequest in) {
  LF_CO_OK(check_path(in.path));
  const GroupRecord group{.name = in.group_name,
                          .path = in.path.value_or("/"),
                          .id = iam.new_id("AGPA"),
                          .created = ctx.now};
  const auto groups = iam.groups(ctx.scope.account);
  const std::string key = key_of(group.name);
  LF_CO_TRY(made, co_await iam.commit({{groups.absent(key)}, {groups.put(key, group)}}));
  if (!made) {
    co_return errors::entity_already_exists(
        fmt::format("Group with name {} already exists.", in.group_name));
  }
  co_return CreateGroupResponse{.group = to_group(group, ctx.scope.account)};
}

task<Result<GetGroupResponse>> get_group(Iam& iam, const RequestContext& ctx, GetGroupRequest in) {
  LF_CO_TRY(group, need<GroupKind>(iam, ctx.scope.account, in.group_name));
  std::vector<std::pair<std::string, User>> members;
  for (const auto& row : iam.users(ctx.scope.account).list()) {
    if (!row.value.groups.contains(group.name)) continue;
    members.emplace_back(row.id, to_user(row.value, ctx.scope.account));
  }
  LF_CO_TRY(page, page_of("group", std::move(members), in.marker, in.max_items));
  co_return GetGroupResponse{.group = to_group(group, ctx.scope.account),
                             .users = page.items,
                             .is_truncated = page.truncated,
                             .marker = page.marker};
}

task<Result<DeleteGroupResponse>> delete_group(Iam& iam, const RequestContext& ctx,
                                               DeleteGroupRequest in) {
  const auto groups = iam.groups(ctx.scope.account);
  const auto row = groups.get(key_of(in.group_name));
  if (!row) co_return no_such("group", in.group_name);
  const GroupRecord& group = row->value;
  const bool has_members =
      std::ranges::any_of(iam.users(ctx.scope.account).list(),
                          [&](const auto& user) { return user.value.groups.contains(group.name); });
  const char* left = has_members                               ? "remove users from group"
                     : !group.policies.inline_policies.empty() ? "delete policies"
                     : !group.policies.attached.empty()        ? "detach all policies"
                                                               : nullptr;
  if (left) {
    co_return errors::delete_conflict(fmt::format("Cannot delete entity, must {} first.", left));
  }
  LF_CO_TRY(gone, co_await iam.commit(
                      {{groups.unchanged(row->id, row->revision)}, {groups.remove(row->id)}}));
  if (!gone) co_return errors::concurrent_modification("The group was changed by another request.");
  co_return DeleteGroupResponse{};
}

task<Result<ListGroupsResponse>> list_groups(Iam& iam, const RequestContext& ctx,
                                             ListGroupsRequest in) {
  std::vector<std::pair<std::string, Group>> all;
  for (const auto& row : iam.groups(ctx.scope.account).list()) {
    if (!is_below(row.value.path, in.path_prefix)) continue;
    all.emplace_back(row.id, to_group(row.value, ctx.scope.account));
  }
  LF_CO_TRY(page, page_of("groups", std::move(all), in.marker, in.max_items));
  co_return ListGroupsResponse{
      .groups = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<ListGroupsForUserResponse>> list_groups_for_user(Iam& iam, const RequestContext& ctx,
                                                             ListGroupsForUserRequest in) {
  LF_CO_TRY(user, need<UserKind>(iam, ctx.scope.account, in.user_name));
  std::vector<std::pair<std::string, Group>> all;
  for (const std::string& name : user.groups) {
    const auto row = iam.groups(ctx.scope.account).get(key_of(name));
    if (row) all.emplace_back(row->id, to_group(row->value, ctx.scope.account));
  }
  std::ranges::sort(all, {}, [](const auto& item) { return item.first; });
  LF_CO_TRY(page, page_of("groups-for-user", std::move(all), in.marker, in.max_items));
  co_return ListGroupsForUserResponse{
      .groups = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<AddUserToGroupResponse>> add_user_to_group(Iam& iam, const RequestContext& ctx,
                                                       AddUserToGroupRequest in) {
  const auto groups = iam.groups(ctx.scope.account);
  const auto users = iam.users(ctx.scope.account);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const auto group = groups.get(key_of(in.group_name));
    if (!group) co_return no_such("group", in.group_name);
    auto user = users.get(key_of(in.user_name));
    if (!user) co_return no_such("user", in.user_name);
    user->value.groups.insert(group->value.name);
    LF_CO_TRY(done, co_await iam.commit({{groups.unchanged(group->id, group->revision),
                                          users.unchanged(user->id, user->revision)},
                                         {users.put(user->id, user->value)}}));
    if (done) co_return AddUserToGroupResponse{};
  }
  co_return errors::concurrent_modification("The user was changed by other requests.");
}

task<Result<RemoveUserFromGroupResponse>> remove_user_from_group(Iam& iam,
                                                                 const RequestContext& ctx,
                                                                 RemoveUserFromGroupRequest in) {
  LF_CO_TRY(group, need<GroupKind>(iam, ctx.scope.account, in.group_name));
  const auto leave = [name = group.name](UserRecord& user) -> Result<bool> {
    if (user.groups.erase(name)) return true;
    return errors::no_such_entity(fmt::format("User {} is not in group {}.", user.name, name));
  };
  LF_CO_OK(co_await edit<UserKind>(iam, ctx.scope.account, in.user_name, leave));
  co_return RemoveUserFromGroupResponse{};
}

}  // namespace landfall::iam
