#include "services/kms/keeper.h"

#include "base/log.h"

namespace landfall::kms {

void Keeper::start() { scope_.spawn("kms keeper", run()); }

task<void> Keeper::run() {
  while (true) {
    co_await sweep();
    co_await loop_.sleep_for(every_);
  }
}

task<void> Keeper::sweep() {
  const TimePoint now = kms_.clock.now();
  for (const store::KeyValue& pair : kms_.store.range(kRoot)) {
    const auto parsed = parse_key(pair.key);
    if (!parsed) continue;
    const auto& [scope, id] = *parsed;
    const auto keys = kms_.keys(scope);
    auto row = keys.get(id);
    if (!row) continue;
    KeyRecord& key = row->value;
    Result<void> done;
    if (key.deleted_at != TimePoint{} && key.deleted_at <= now) {
      done = co_await remove(scope, *row);
    } else if (key.rotates && key.enabled && key.deleted_at == TimePoint{} &&
               key.rotates_next != TimePoint{} && key.rotates_next <= now) {
      key.materials.push_back(kms_.make_material(id));
      key.rotates_next = now + std::chrono::hours(24) * key.rotation_days;
      auto written =
          co_await kms_.store.commit({{keys.unchanged(id, row->revision)}, {keys.put(id, key)}});
      if (!written) done = std::unexpected(written.error());
    }
    if (!done) log::warning("kms", "{}: {}", key_arn(scope, id), done.error().message);
  }
}

task<Result<void>> Keeper::remove(Scope scope, KeyRow row) {
  const auto keys = kms_.keys(scope);
  const auto aliases = kms_.aliases(scope);
  store::Transaction transaction{{keys.unchanged(row.id, row.revision)}, {keys.remove(row.id)}};
  for (const auto& alias : aliases.list()) {
    if (alias.value.key_id == row.id) transaction.operations.push_back(aliases.remove(alias.id));
  }
  const auto grants = kms_.grants(scope);
  for (const auto& grant : grants.list(row.id + "/")) {
    transaction.operations.push_back(grants.remove(grant.id));
  }
  LF_CO_OK(co_await kms_.store.commit(std::move(transaction)));
  co_return Result<void>();
}

}  // namespace landfall::kms
