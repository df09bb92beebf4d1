#include "services/iam/service.h"

#include "services/iam/managed_policies.h"
#include "services/iam/policy/pattern.h"

namespace landfall::iam {
namespace {

template <class T>
store::Table<T> table(store::Store& store, const std::string& account, std::string_view name) {
  return {store, fmt::format("/iam/{}/-/{}/", account, name)};
}

}  // namespace

std::string arn_of(const std::string& account, std::string_view kind, std::string_view path,
                   std::string_view name) {
  return fmt::format("arn:aws:iam::{}:{}{}{}", account, kind, path, name);
}

store::Table<UserRecord> Iam::users(const std::string& account) const {
  return table<UserRecord>(store, account, "users");
}
store::Table<GroupRecord> Iam::groups(const std::string& account) const {
  return table<GroupRecord>(store, account, "groups");
}
store::Table<RoleRecord> Iam::roles(const std::string& account) const {
  return table<RoleRecord>(store, account, "roles");
}
store::Table<PolicyRecord> Iam::policies(const std::string& account) const {
  return table<PolicyRecord>(store, account, "policies");
}
store::Table<InstanceProfileRecord> Iam::instance_profiles(const std::string& account) const {
  return table<InstanceProfileRecord>(store, account, "instance-profiles");
}
store::Table<AccessKeyRecord> Iam::access_keys() const {
  return table<AccessKeyRecord>(store, "-", "access-keys");
}
store::Table<std::map<std::string, std::string>> Iam::accounts() const {
  return table<std::map<std::string, std::string>>(store, "-", "accounts");
}

task<Result<bool>> Iam::commit(store::Transaction transaction) {
  LF_CO_TRY(done, co_await store.commit(std::move(transaction)));
  ++epoch;
  co_return done.succeeded;
}

std::string Iam::new_id(std::string_view prefix) const {
  return std::string(prefix) + random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 17);
}

std::optional<std::string> Iam::managed_document(const std::string& policy_arn) const {
  if (const ManagedPolicy* managed = find_managed_policy(policy_arn)) {
    return std::string(managed->document);
  }
  const auto arn = Arn::parse(policy_arn);
  if (!arn || arn->service != "iam") return {};
  const auto row = policies(arn->account).get(key_of(last_part(policy_arn)));
  if (!row || arn_of(arn->account, "policy", row->value.path, row->value.name) != policy_arn) {
    return {};
  }
  for (const PolicyVersionRecord& version : row->value.versions) {
    if (version.number == row->value.default_version) return version.document;
  }
  return {};
}

std::string key_of(std::string_view name) { return policy::lower_case(name); }

std::string_view last_part(std::string_view name_or_arn) {
  return name_or_arn.substr(name_or_arn.rfind('/') + 1);
}

}  // namespace landfall::iam
