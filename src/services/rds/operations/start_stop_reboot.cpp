// operations: StartDBInstance, StopDBInstance, RebootDBInstance
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html
#include "services/rds/keys.h"
#include "services/rds/replicas.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/snapshots.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

task<Result<StartDBInstanceResponse>> start_db_instance(Rds& rds, const RequestContext& ctx,
                                                        StartDBInstanceRequest in) {
  LF_CO_TRY(
      changed,
      co_await change_instance(
          rds, ctx.scope, in.db_instance_identifier, [&](DbInstance& instance) -> Result<void> {
            if (instance.status != "stopped" && instance.status != kInaccessibleForNow) {
              return errors::invalid_db_instance_state(fmt::format(
                  "Instance {} cannot be started as it is not in one of the following statuses: "
                  "'stopped, inaccessible-encryption-credentials-recoverable, incompatible-network "
                  "(only "
                  "valid for non-SqlServer instances)'.",
                  instance.identifier));
            }
            LF_OK(check_key_use(rds, ctx, instance.volume_key));
            instance.inaccessible_since.reset();
            instance.wanted = Wanted::running;
            instance.status = "starting";
            return {};
          }));
  StartDBInstanceResponse out;
  out.db_instance = to_shape(rds, changed);
  co_return out;
}

task<Result<StopDBInstanceResponse>> stop_db_instance(Rds& rds, const RequestContext& ctx,
                                                      StopDBInstanceRequest in) {
  LF_CO_TRY(found, find_instance(rds, ctx.scope, in.db_instance_identifier));
  if (found.is_replica() || !replicas_of(rds, found).empty()) {
    co_return errors::invalid_db_instance_state(
        fmt::format("You can't stop {}: it is a read replica or has one.", found.identifier));
  }
  if (in.db_snapshot_identifier) {
    LF_CO_TRY(row, find_available(rds, ctx.scope, in.db_instance_identifier));
    LF_CO_TRY(name, check_identifier(*in.db_snapshot_identifier, "DBSnapshotIdentifier"));
    LF_CO_OK(co_await begin_snapshot(rds, row, name, false,
                                     row.copy_tags_to_snapshot ? row.tags : Tags{}));
  }
  LF_CO_TRY(changed, co_await change_instance(rds, ctx.scope, in.db_instance_identifier,
                                              [](DbInstance& instance) -> Result<void> {
                                                LF_OK(require_available(instance));
                                                instance.wanted = Wanted::stopped;
                                                instance.status = "stopping";
                                                return {};
                                              }));
  StopDBInstanceResponse out;
  out.db_instance = to_shape(rds, changed);
  co_return out;
}

task<Result<RebootDBInstanceResponse>> reboot_db_instance(Rds& rds, const RequestContext& ctx,
                                                          RebootDBInstanceRequest in) {
  if (in.force_failover.value_or(false)) {
    co_return fail("InvalidParameterCombination",
                   "You cannot reboot with failover an instance that is not Multi-AZ.");
  }
  LF_CO_TRY(changed, co_await change_instance(rds, ctx.scope, in.db_instance_identifier,
                                              [](DbInstance& instance) -> Result<void> {
                                                LF_OK(require_available(instance));
                                                ++instance.reboots_wanted;
                                                instance.status = "rebooting";
                                                return {};
                                              }));
  RebootDBInstanceResponse out;
  out.db_instance = to_shape(rds, changed);
  co_return out;
}

}  // namespace landfall::rds
