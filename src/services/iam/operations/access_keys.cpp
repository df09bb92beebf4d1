// operations: CreateAccessKey, DeleteAccessKey, ListAccessKeys, UpdateAccessKey
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kMostKeys = 2;

// Whose keys a request is about: the one it names, or the caller's own; empty for root.
Result<std::string> owner_of(const Iam& iam, const RequestContext& ctx,
                             const std::optional<std::string>& named) {
  if (named) {
    LF_TRY(user, need<UserKind>(iam, ctx.scope.account, *named));
    return user.name;
  }
  if (ctx.principal.kind == Principal::Kind::root) return std::string();
  if (ctx.principal.kind == Principal::Kind::user) return ctx.principal.name;
  return fail("ValidationError", "Must specify userName when calling with non-User credentials");
}

std::vector<AccessKeyRecord> keys_of(const Iam& iam, const std::string& account,
                                     const std::string& user) {
  std::vector<AccessKeyRecord> out;
  for (auto& row : iam.access_keys().list()) {
    if (row.value.account == account && row.value.user == user) out.push_back(std::move(row.value));
  }
  return out;
}

Result<store::Row<AccessKeyRecord>> need_key(const Iam& iam, const std::string& account,
                                             const std::string& user, const std::string& id) {
  auto row = iam.access_keys().get(id);
  if (!row || row->value.account != account || row->value.user != user) {
    return errors::no_such_entity(fmt::format("The Access Key with id {} cannot be found.", id));
  }
  return std::move(*row);
}

}  // namespace

task<Result<CreateAccessKeyResponse>> create_access_key(Iam& iam, const RequestContext& ctx,
                                                        CreateAccessKeyRequest in) {
  const std::string& account = ctx.scope.account;
  LF_CO_TRY(user, owner_of(iam, ctx, in.user_name));
  AccessKeyRecord key{.id = "AKIA" + iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
                      .account = account,
                      .user = user,
                      .created = ctx.now};
  const std::string secret =
      iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+", 40);
  key.sealed_secret = iam.sealer.seal(secret, "iam/access-key/" + key.id);
  const auto keys = iam.access_keys();
  bool made = false;
  for (int attempt = 0; attempt < kMostAttempts && !made; ++attempt) {
    if (keys_of(iam, account, user).size() >= kMostKeys)
      co_return errors::limit_exceeded("Cannot exceed quota for AccessKeysPerUser: 2");
    store::Transaction transaction{{keys.absent(key.id)}, {keys.put(key.id, key)}};
    if (!user.empty()) {
      const auto users = iam.users(account);
      auto row = users.get(key_of(user));
      if (!row) co_return no_such("user", user);
      row->value.access_keys.insert(key.id);
      transaction.conditions.push_back(users.unchanged(row->id, row->revision));
      transaction.operations.push_back(users.put(row->id, row->value));
    }
    LF_CO_TRY(done, co_await iam.commit(std::move(transaction)));
    made = done;
  }
  if (!made) co_return errors::concurrent_modification("The user was changed by other requests.");
  co_return CreateAccessKeyResponse{.access_key = {.user_name = user,
                                                   .access_key_id = key.id,
                                                   .status = "Active",
                                                   .secret_access_key = secret,
                                                   .create_date = ctx.now}};
}

task<Result<DeleteAccessKeyResponse>> delete_access_key(Iam& iam, const RequestContext& ctx,
                                                        DeleteAccessKeyRequest in) {
  const std::string& account = ctx.scope.account;
  LF_CO_TRY(user, owner_of(iam, ctx, in.user_name));
  const auto keys = iam.access_keys();
  const auto users = iam.users(account);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    LF_CO_TRY(key, need_key(iam, account, user, in.access_key_id));
    store::Transaction transaction{{keys.unchanged(key.id, key.revision)}, {keys.remove(key.id)}};
    if (auto row = users.get(key_of(user)); row && !user.empty()) {
      row->value.access_keys.erase(key.id);
      transaction.conditions.push_back(users.unchanged(row->id, row->revision));
      transaction.operations.push_back(users.put(row->id, row->value));
    }
    LF_CO_TRY(gone, co_await iam.commit(std::move(transaction)));
    if (gone) co_return DeleteAccessKeyResponse{};
  }
  co_return errors::concurrent_modification("The user was changed by other requests.");
}

task<Result<ListAccessKeysResponse>> list_access_keys(Iam& iam, const RequestContext& ctx,
                                                      ListAccessKeysRequest in) {
  LF_CO_TRY(user, owner_of(iam, ctx, in.user_name));
  std::vector<std::pair<std::string, AccessKeyMetadata>> all;
  for (const AccessKeyRecord& key : keys_of(iam, ctx.scope.account, user)) {
    all.emplace_back(key.id, AccessKeyMetadata{.user_name = user,
                                               .access_key_id = key.id,
                                               .status = key.active ? "Active" : "Inactive",
                                               .create_date = key.created});
  }
  LF_CO_TRY(page, page_of("access-keys", std::move(all), in.marker, in.max_items));
  co_return ListAccessKeysResponse{
      .access_key_metadata = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<UpdateAccessKeyResponse>> update_access_key(Iam& iam, const RequestContext& ctx,
                                                        UpdateAccessKeyRequest in) {
  LF_CO_TRY(user, owner_of(iam, ctx, in.user_name));
  LF_CO_OK(need_key(iam, ctx.scope.account, user, in.access_key_id));
  const bool active = in.status == "Active";
  const auto set = [active](AccessKeyRecord& key) -> Result<bool> {
    key.active = active;
    return true;
  };
  LF_CO_OK(co_await iam.update<AccessKeyRecord>(iam.access_keys(), in.access_key_id, set));
  co_return UpdateAccessKeyResponse{};
}

}  // namespace landfall::iam
