#include "services/rds/replicas.h"

#include <sstream>

#include "services/rds/server.h"

namespace landfall::rds {
namespace {

constexpr std::string_view kSlotPrefix = "rds_";
constexpr int kDropAttempts = 50;
constexpr Millis kDropPoll(100);

// A slot that is being read from can be dropped only after its reader has been ended.
task<Result<void>> drop(Rds& rds, DbInstance source, std::string slot) {
  const host::PostgresServer server = server_to_ask(rds, source);
  const std::string name = host::sql_text(slot);
  const std::string statements = fmt::format(
      "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = {0} AND "
      "active; SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE "
      "slot_name "
      "= {0} AND NOT active; SELECT 'left ' || count(*) FROM pg_replication_slots WHERE slot_name "
      "= "
      "{0};",
      name);
  for (int attempt = 0; attempt < kDropAttempts; ++attempt) {
    LF_CO_TRY(said, co_await host::run_sql(rds.loop, server, "postgres", statements));
    if (said.contains("left 0")) co_return Result<void>();
    co_await rds.loop.sleep_for(kDropPoll);
  }
  co_return fail("slot-busy", fmt::format("the replication slot {} stays in use", slot), 500);
}

}  // namespace

std::string slot_of(const DbInstance& replica) {
  std::string out = std::string(kSlotPrefix) + replica.resource_id;
  std::ranges::transform(out, out.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? char(c + 32) : c;
  });
  return out;
}

std::optional<DbInstance> source_of(const Rds& rds, const DbInstance& replica) {
  if (!replica.is_replica()) return {};
  auto row = rds.tables(replica.scope()).instances.get(replica.replica_source);
  if (!row || row->value.resource_id != replica.replica_source_id) return {};
  return std::move(row->value);
}

std::vector<DbInstance> replicas_of(const Rds& rds, const DbInstance& source) {
  std::vector<DbInstance> out;
  for (auto& row : rds.tables(source.scope()).instances.list()) {
    if (row.value.replica_source_id == source.resource_id) out.push_back(std::move(row.value));
  }
  return out;
}

task<Result<void>> seed_replica(Rds& rds, DbInstance replica, std::uint64_t size_bytes) {
  const auto source = source_of(rds, replica);
  if (!source) co_return fail("source-gone", "the source of the read replica is gone", 409);
  const std::string slot = host::sql_text(slot_of(replica));
  auto reserved = co_await host::run_sql(
      rds.loop, server_to_ask(rds, *source), "postgres",
      fmt::format("SELECT pg_create_physical_replication_slot({0}, true) WHERE NOT EXISTS (SELECT "
                  "FROM pg_replication_slots WHERE slot_name = {0})",
                  slot));
  if (!reserved) co_return std::unexpected(reserved.error());
  const std::string seed = "rds-seed-" + replica.resource_id;
  LF_CO_OK(co_await rds.volumes.snapshot(volume_of(source->resource_id), seed));
  LF_CO_OK(
      co_await rds.volumes.create_from_snapshot(volume_of(replica.resource_id), seed, size_bytes));
  co_return co_await rds.volumes.remove_snapshot(seed);
}

task<Result<void>> drop_slot(Rds& rds, DbInstance replica) {
  const auto source = source_of(rds, replica);
  if (!source || source->status != "available") co_return Result<void>();
  co_return co_await drop(rds, *source, slot_of(replica));
}

task<Result<void>> drop_stale_slots(Rds& rds, DbInstance source) {
  std::set<std::string> used;
  for (const DbInstance& replica : replicas_of(rds, source)) used.insert(slot_of(replica));
  LF_CO_TRY(said,
            co_await host::run_sql(rds.loop, server_to_ask(rds, source), "postgres",
                                   "SELECT slot_name FROM pg_replication_slots WHERE "
                                   "slot_type = 'physical' AND slot_name LIKE 'rds\\_db\\_%'"));
  std::istringstream names(said);
  for (std::string name; std::getline(names, name);) {
    if (!name.empty() && !used.contains(name)) LF_CO_OK(co_await drop(rds, source, name));
  }
  co_return Result<void>();
}

}  // namespace landfall::rds
