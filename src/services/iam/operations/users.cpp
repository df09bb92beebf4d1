// operations: CreateUser, GetUser, DeleteUser, ListUsers
#include "services/iam/entities.h"

namespace landfall::iam {

task<Result<CreateUserResponse>> create_user(Iam& iam, const RequestContext& ctx,
                                             CreateUserRequest in) {
  LF_CO_OK(check_path(in.path));
  const std::string& account = ctx.scope.account;
  LF_CO_OK(check_tags(in.tags));
  if (in.permissions_boundary && !iam.managed_document(*in.permissions_boundary)) {
    co_return errors::no_such_entity(
        fmt::format("Policy {} does not exist or is not attachable.", *in.permissions_boundary));
  }
  const UserRecord user{.name = in.user_name,
                        .path = in.path.value_or("/"),
                        .id = iam.new_id("AIDA"),
                        .created = ctx.now,
                        .boundary = in.permissions_boundary.value_or(""),
                        .tags = to_records(in.tags)};
  const auto users = iam.users(account);
  const std::string key = key_of(user.name);
  LF_CO_TRY(made, co_await iam.commit({{users.absent(key)}, {users.put(key, user)}}));
  if (!made) {
    co_return errors::entity_already_exists(
        fmt::format("User with name {} already exists.", in.user_name));
  }
  co_return CreateUserResponse{.user = to_user(user, account)};
}

task<Result<GetUserResponse>> get_user(Iam& iam, const RequestContext& ctx, GetUserRequest in) {
  const std::string& account = ctx.scope.account;
  if (!in.user_name && ctx.principal.kind == Principal::Kind::root) {
    co_return GetUserResponse{
        .user = {.path = "/", .user_id = account, .arn = ctx.principal.arn, .create_date = {}}};
  }
  if (!in.user_name && ctx.principal.kind != Principal::Kind::user) {
    co_return fail("ValidationError",
                   "Must specify userName when calling with non-User credentials");
  }
  LF_CO_TRY(user, need<UserKind>(iam, account, in.user_name.value_or(ctx.principal.name)));
  co_return GetUserResponse{.user = to_user(user, account)};
}

task<Result<DeleteUserResponse>> delete_user(Iam& iam, const RequestContext& ctx,
                                             DeleteUserRequest in) {
  const auto users = iam.users(ctx.scope.account);
  const std::string key = key_of(in.user_name);
  const auto row = users.get(key);
  if (!row) co_return no_such("user", in.user_name);
  const UserRecord& user = row->value;
  const char* left = !user.access_keys.empty()                ? "delete access keys"
                     : !user.policies.inline_policies.empty() ? "delete policies"
                     : !user.policies.attached.empty()        ? "detach all policies"
                     : !user.groups.empty()                   ? "remove users from group"
                                                              : nullptr;
  if (left) {
    co_return errors::delete_conflict(fmt::format("Cannot delete entity, must {} first.", left));
  }
  LF_CO_TRY(gone,
            co_await iam.commit({{users.unchanged(key, row->revision)}, {users.remove(key)}}));
  if (!gone) {
    co_return errors::concurrent_modification("The user was changed by another request.");
  }
  co_return DeleteUserResponse{};
}

task<Result<ListUsersResponse>> list_users(Iam& iam, const RequestContext& ctx,
                                           ListUsersRequest in) {
  std::vector<std::pair<std::string, User>> all;
  for (const auto& row : iam.users(ctx.scope.account).list()) {
    if (!is_below(row.value.path, in.path_prefix)) continue;
    User user = to_user(row.value, ctx.scope.account);
    user.tags = {};  // the list leaves them out
    all.emplace_back(row.id, std::move(user));
  }
  LF_CO_TRY(page, page_of("users", std::move(all), in.marker, in.max_items));
  co_return ListUsersResponse{
      .users = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

}  // namespace landfall::iam
