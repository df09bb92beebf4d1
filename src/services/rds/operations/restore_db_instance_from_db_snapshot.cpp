// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
#include "services/rds/restore.h"
#include "services/rds/snapshots.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
task<Result<RestoreDBInstanceFromDBSnapshotResponse>> restore_db_instance_from_db_snapshot(
    Rds& rds, const RequestContext& ctx, RestoreDBInstanceFromDBSnapshotRequest in) {
  LF_CO_TRY(identifier, check_identifier(in.db_instance_identifier, "DBInstanceIdentifier"));
  LF_CO_OK(refuse_unsupported(
      {{in.db_cluster_snapshot_identifier.has_value(), "DBClusterSnapshotIdentifier"}}));
  LF_CO_OK(check_unused(rds, ctx.scope, identifier));
  if (!in.db_snapshot_identifier) {
    co_return fail("InvalidParameterCombination",
                   "The parameter DBSnapshotIdentifier must be provided.");
  }
  LF_CO_TRY(snapshot, find_local_snapshot(rds, ctx.scope, *in.db_snapshot_identifier));
  if (snapshot.status != "available") {
    co_return errors::invalid_db_snapshot_state(
        fmt::format("Snapshot {} is not in available state.", snapshot.identifier));
  }
  LF_CO_TRY(instance, co_await restored_instance(rds, ctx, in, identifier, origin_of(snapshot)));
  instance.restore_snapshot = snapshot.volume_snapshot;

  LF_CO_TRY(added, co_await add_instance(rds, ctx, std::move(instance)));
  RestoreDBInstanceFromDBSnapshotResponse out;
  out.db_instance = std::move(added);
  co_return out;
}

}  // namespace landfall::rds
