// IAM's dependencies and tables. Operations are in operations/, everything that decides in access.h
// and policy/.
#pragma once

#include "base/ids.h"
#include "base/random.h"
#include "services/iam/records.h"
#include "store/sealed.h"
#include "store/table.h"

namespace landfall::iam {

std::string arn_of(const std::string& account, std::string_view kind, std::string_view path,
                   std::string_view name);

struct Iam {
  store::Store& store;
  const Clock& clock;
  Random& random;
  const store::Sealer& sealer;
  // Goes up with every change: what was derived from IAM's records is made anew.
  std::uint64_t epoch = 1;

  store::Table<UserRecord> users(const std::string& account) const;
  store::Table<GroupRecord> groups(const std::string& account) const;
  store::Table<RoleRecord> roles(const std::string& account) const;
  store::Table<PolicyRecord> policies(const std::string& account) const;
  store::Table<InstanceProfileRecord> instance_profiles(const std::string& account) const;
  store::Table<AccessKeyRecord> access_keys() const;
  // Server-wide: the accounts that exist.
  store::Table<std::map<std::string, std::string>> accounts() const;

  // False: a condition did not hold.
  task<Result<bool>> commit(store::Transaction transaction);
  template <class T>
  task<Result<store::Row<T>>> update(store::Table<T> table, std::string id,
                                     std::function<Result<bool>(T&)> change) {
    auto done = co_await table.update(std::move(id), std::move(change));
    ++epoch;
    co_return done;
  }

  // "AIDA" and 17 characters, as AWS makes them.
  std::string new_id(std::string_view prefix) const;
  // The text of a managed policy's default version, the account's own or AWS's.
  std::optional<std::string> managed_document(const std::string& policy_arn) const;
};

// The key of a record: its name in lower case.
std::string key_of(std::string_view name);

// "deploy" of "arn:aws:iam::1:role/path/deploy"; of a name, itself.
std::string_view last_part(std::string_view name_or_arn);

}  // namespace landfall::iam
