// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
#include "services/rds/replicas.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

// Records intent only: the controller takes the final snapshot and removes server, volume and
// interface.
task<Result<DeleteDBInstanceResponse>> delete_db_instance(Rds& rds, const RequestContext& ctx,
                                                          DeleteDBInstanceRequest in) {
  LF_CO_TRY(found, find_instance(rds, ctx.scope, in.db_instance_identifier));
  if (found.is_replica() && in.final_db_snapshot_identifier) {
    co_return fail("InvalidParameterCombination",
                   "FinalDBSnapshotIdentifier can not be specified when deleting a read replica.");
  }
  const bool skip = in.skip_final_snapshot.value_or(false) || found.is_replica();
  if (!skip && !in.final_db_snapshot_identifier) {
    co_return fail("InvalidParameterCombination",
                   "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
  }
  if (skip && in.final_db_snapshot_identifier) {
    co_return fail(
        "InvalidParameterCombination",
        "FinalDBSnapshotIdentifier can not be specified when deleting a DB instance with "
        "SkipFinalSnapshot.");
  }
  std::string final_snapshot;
  if (!skip) {
    LF_CO_TRY(name,
              check_identifier(*in.final_db_snapshot_identifier, "FinalDBSnapshotIdentifier"));
    if (rds.tables(ctx.scope).snapshots.get(name)) {
      co_return errors::db_snapshot_already_exists(fmt::format(
          "Cannot create the snapshot because a snapshot with the identifier {} already exists.",
          name));
    }
    final_snapshot = name;
  }
  LF_CO_TRY(
      changed,
      co_await change_instance(
          rds, ctx.scope, in.db_instance_identifier, [&](DbInstance& instance) -> Result<void> {
            if (instance.deletion_protection) {
              return fail("InvalidParameterCombination",
                          "Cannot delete protected DB Instance, please disable deletion protection "
                          "and try again.");
            }
            if (instance.wanted == Wanted::deleted) {
              return errors::invalid_db_instance_state("Instance is already being deleted.");
            }
            if (!skip && instance.inaccessible_since) {
              return errors::invalid_db_instance_state(fmt::format(
                  "Cannot create a final snapshot because the instance is in status {}.",
                  instance.status));
            }
            if (!skip && !instance.available_at) {
              return errors::invalid_db_instance_state(
                  "Cannot create a final snapshot because the instance has never been available.");
            }
            instance.wanted = Wanted::deleted;
            instance.final_snapshot = final_snapshot;
            instance.keep_backups = !in.delete_automated_backups.value_or(true);
            instance.status = "deleting";
            return {};
          }));
  // Replicas outlive their source, as instances of their own.
  for (const DbInstance& replica : replicas_of(rds, changed)) {
    LF_CO_OK(co_await change_instance(rds, ctx.scope, replica.identifier,
                                      [](DbInstance& instance) -> Result<void> {
                                        instance.promote = true;
                                        return {};
                                      }));
  }
  DeleteDBInstanceResponse out;
  out.db_instance = to_shape(rds, changed);
  co_return out;
}

}  // namespace landfall::rds
