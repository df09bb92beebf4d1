#include "services/logs/store.h"

namespace landfall::logs {

Groups groups_of(store::Store& store, const Scope& scope) {
  return {store, fmt::format("{}{}/{}/groups/", kKeys, scope.account, scope.region)};
}

QueryDefinitions query_definitions_of(store::Store& store, const Scope& scope) {
  return {store, fmt::format("{}{}/{}/query-definitions/", kKeys, scope.account, scope.region)};
}

std::vector<std::pair<Scope, std::string>> scoped_keys(store::Store& store, std::string_view kind) {
  std::vector<std::pair<Scope, std::string>> keys;
  for (const store::KeyValue& kv : store.range(kKeys)) {
    std::string_view rest = std::string_view(kv.key).substr(kKeys.size());
    const auto take = [&rest] {
      const auto end = std::min(rest.find('/'), rest.size());
      const std::string_view part = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      return part;
    };
    Scope scope;
    scope.account = take();
    scope.region = take();
    if (take() == kind) keys.emplace_back(std::move(scope), rest);
  }
  return keys;
}

std::string group_arn(const Scope& scope, std::string_view group) {
  return Arn{.service = "logs",
             .region = scope.region,
             .account = scope.account,
             .resource = fmt::format("log-group:{}", group)}
      .str();
}

std::int64_t retention_cutoff_ms(const GroupRecord& group, TimePoint now) {
  if (group.retention_days == 0) return 0;
  return to_unix_ms(now - std::chrono::hours(24 * group.retention_days));
}

}  // namespace landfall::logs
