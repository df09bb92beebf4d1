#include "services/rds/store.h"

namespace landfall::rds {
namespace {

std::string arn_of(const std::string& account, const std::string& region, std::string_view kind,
                   const std::string& name) {
  return Arn{"aws", "rds", region, account, fmt::format("{}:{}", kind, name)}.str();
}

std::string prefix(const Scope& scope, std::string_view table) {
  return fmt::format("{}{}/{}/{}/", kRoot, scope.account, scope.region, table);
}

}  // namespace

std::string DbInstance::arn() const { return arn_of(account, region, "db", identifier); }
std::string DbSnapshot::arn() const { return arn_of(account, region, "snapshot", identifier); }
std::string DbSubnetGroup::arn() const { return arn_of(account, region, "subgrp", name); }
std::string DbParameterGroup::arn() const { return arn_of(account, region, "pg", name); }

Tables::Tables(store::Store& store, const Scope& scope)
    : instances(store, prefix(scope, "instances")),
      snapshots(store, prefix(scope, "snapshots")),
      subnet_groups(store, prefix(scope, "subnet-groups")),
      parameter_groups(store, prefix(scope, "parameter-groups")),
      retained_backups(store, prefix(scope, "retained-backups")) {}

std::optional<Key> parse_key(std::string_view key, std::string_view table) {
  if (!key.starts_with(kRoot)) return {};
  key.remove_prefix(kRoot.size());
  std::array<std::string_view, 3> parts;
  for (std::string_view& part : parts) {
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return {};
    part = key.substr(0, slash);
    key.remove_prefix(slash + 1);
  }
  if (parts[2] != table || key.empty()) return {};
  return Key{{std::string(parts[0]), std::string(parts[1])}, std::string(key)};
}

}  // namespace landfall::rds
