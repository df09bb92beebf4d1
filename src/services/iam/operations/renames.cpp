// operations: UpdateUser, UpdateGroup
//
// Names are keys: a rename moves the record, and what names it goes along in one transaction.
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

std::unexpected<Error> changed_meanwhile() {
  return errors::concurrent_modification(
      "The request was rejected because multiple requests to change this object were submitted "
      "simultaneously.");
}

std::unexpected<Error> taken(std::string_view kind, const std::string& name) {
  return errors::entity_already_exists(fmt::format("{} with name {} already exists.", kind, name));
}

}  // namespace

task<Result<UpdateUserResponse>> update_user(Iam& iam, const RequestContext& ctx,
                                             UpdateUserRequest in) {
  LF_CO_OK(check_path(in.new_path));
  const auto users = iam.users(ctx.scope.account);
  auto row = users.get(key_of(in.user_name));
  if (!row) co_return no_such("user", in.user_name);
  UserRecord user = row->value;
  user.path = in.new_path.value_or(user.path);
  user.name = in.new_user_name.value_or(user.name);
  const std::string key = key_of(user.name);
  store::Transaction transaction{{users.unchanged(row->id, row->revision)}, {}};
  if (key != row->id) {
    if (users.get(key)) co_return taken("User", user.name);
    transaction.conditions.push_back(users.absent(key));
    transaction.operations.push_back(users.remove(row->id));
  }
  transaction.operations.push_back(users.put(key, user));
  const auto keys = iam.access_keys();
  for (const std::string& id : user.access_keys) {
    auto held = keys.get(id);
    if (!held) continue;
    held->value.user = user.name;
    transaction.conditions.push_back(keys.unchanged(id, held->revision));
    transaction.operations.push_back(keys.put(id, held->value));
  }
  LF_CO_TRY(done, co_await iam.commit(std::move(transaction)));
  if (!done) co_return changed_meanwhile();
  co_return UpdateUserResponse{};
}

task<Result<UpdateGroupResponse>> update_group(Iam& iam, const RequestContext& ctx,
                                               UpdateGroupRequest in) {
  LF_CO_OK(check_path(in.new_path));
  const auto groups = iam.groups(ctx.scope.account);
  auto row = groups.get(key_of(in.group_name));
  if (!row) co_return no_such("group", in.group_name);
  const std::string before = row->value.name;
  GroupRecord group = row->value;
  group.path = in.new_path.value_or(group.path);
  group.name = in.new_group_name.value_or(group.name);
  const std::string key = key_of(group.name);
  store::Transaction transaction{{groups.unchanged(row->id, row->revision)}, {}};
  if (key != row->id) {
    if (groups.get(key)) co_return taken("Group", group.name);
    transaction.conditions.push_back(groups.absent(key));
    transaction.operations.push_back(groups.remove(row->id));
  }
  transaction.operations.push_back(groups.put(key, group));
  const auto users = iam.users(ctx.scope.account);
  for (auto& user : users.list()) {
    if (user.value.groups.erase(before) == 0) continue;
    user.value.groups.insert(group.name);
    transaction.conditions.push_back(users.unchanged(user.id, user.revision));
    transaction.operations.push_back(users.put(user.id, user.value));
  }
  LF_CO_TRY(done, co_await iam.commit(std::move(transaction)));
  if (!done) co_return changed_meanwhile();
  co_return UpdateGroupResponse{};
}

}  // namespace landfall::iam
