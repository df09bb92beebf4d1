#include "services/logs/store.h"

namespace landfall::logs {

Groups groups_of(store::Store& store, const Scope& scope) {
  return {store, fmt::format("{}{}/{}/groups/", kKeys, scope.account, scope.region)};
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
