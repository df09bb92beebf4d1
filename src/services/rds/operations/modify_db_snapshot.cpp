// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshot.html
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/snapshots.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

// The version that an instance restored from it will have. Data of one major version serves all of
// its minor ones, so there is nothing to convert.
task<Result<ModifyDBSnapshotResponse>> modify_db_snapshot(Rds& rds, const RequestContext& ctx,
                                                          ModifyDBSnapshotRequest in) {
  LF_CO_TRY(snapshot, find_local_snapshot(rds, ctx.scope, in.db_snapshot_identifier));
  LF_CO_OK(refuse_unsupported(
      {{in.option_group_name && !in.option_group_name->starts_with("default:postgres"),
        "OptionGroupName"}}));
  if (snapshot.automated || snapshot.status != "available") {
    co_return errors::invalid_db_snapshot_state(
        fmt::format("Snapshot {} is not an available manual snapshot.", snapshot.identifier));
  }
  std::string version = snapshot.engine_version;
  if (in.engine_version && *in.engine_version != version) {
    LF_CO_TRY(chosen, co_await choose_version(rds, in.engine_version));
    LF_CO_OK(check_upgrade(version, chosen));
    version = chosen;
  }
  LF_CO_TRY(changed, co_await rds.tables(ctx.scope).snapshots.update(
                         snapshot.identifier, [&](DbSnapshot& record) -> Result<bool> {
                           record.engine_version = version;
                           return true;
                         }));
  ModifyDBSnapshotResponse out;
  out.db_snapshot = to_shape(changed.value);
  co_return out;
}

}  // namespace landfall::rds
