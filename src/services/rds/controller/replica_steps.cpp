// The steps of read replicas.
#include "services/rds/controller/instance_controller.h"
#include "services/rds/replicas.h"
#include "services/rds/server.h"

namespace landfall::rds {
namespace {

constexpr Millis kPatience = std::chrono::seconds(30);

}  // namespace

task<void> InstanceController::note_replication(DbInstance wanted) {
  auto said = co_await host::run_sql(rds_.loop, server_to_ask(rds_, wanted), "postgres",
                                     "SELECT status FROM pg_stat_wal_receiver");
  if (!said) co_return;
  const std::string now = said->starts_with("streaming") ? "replicating" : "error";
  // It takes a moment to connect for the first time.
  const bool early = !wanted.available_at || rds_.clock.now() - *wanted.available_at < kPatience;
  if (now == wanted.replication || (now == "error" && early)) co_return;
  (void)co_await change(wanted, [&](DbInstance& record) { record.replication = now; });
}

// Of what the source wrote last, that stays away which has not arrived yet: as on AWS, writers are
// to be stopped first.
task<Result<void>> InstanceController::promote(DbInstance wanted) {
  LF_CO_TRY(said,
            co_await host::run_sql(rds_.loop, server_to_ask(rds_, wanted), "postgres",
                                   "SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(true, 60) "
                                   "ELSE true END",
                                   std::chrono::seconds(70)));
  if (!said.starts_with('t'))
    co_return fail("not-promoted", "the server is still in recovery", 500);
  LF_CO_OK(co_await drop_slot(rds_, wanted));
  const auto source = source_of(rds_, wanted);
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
    if (source) record.master_verifier = source->master_verifier;
    record.applied_verifier.clear();  // what has been replicated is not known
    record.replica_source.clear();
    record.replica_source_id.clear();
    record.promote = false;
  }));
  co_return co_await rds_.events.record(
      wanted.arn(), {.reason = "read replica",
                     .message = "Promoted Read Replica to a standalone database instance."});
}

}  // namespace landfall::rds
