// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplica.html
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

// Records intent only.
task<Result<PromoteReadReplicaResponse>> promote_read_replica(Rds& rds, const RequestContext& ctx,
                                                              PromoteReadReplicaRequest in) {
  const int days = in.backup_retention_period.value_or(1);
  LF_CO_OK(check_retention(days));
  if (in.preferred_backup_window) LF_CO_OK(check_backup_window(*in.preferred_backup_window));
  LF_CO_TRY(changed, co_await change_instance(
                         rds, ctx.scope, in.db_instance_identifier,
                         [&](DbInstance& instance) -> Result<void> {
                           if (!instance.is_replica()) {
                             return errors::invalid_db_instance_state(fmt::format(
                                 "DB Instance {} is not a read replica.", instance.identifier));
                           }
                           LF_OK(require_available(instance));
                           instance.promote = true;
                           instance.status = "modifying";
                           instance.backup_retention_days = days;
                           if (in.preferred_backup_window)
                             instance.backup_window = *in.preferred_backup_window;
                           return {};
                         }));
  PromoteReadReplicaResponse out;
  out.db_instance = to_shape(rds, changed);
  co_return out;
}

}  // namespace landfall::rds
