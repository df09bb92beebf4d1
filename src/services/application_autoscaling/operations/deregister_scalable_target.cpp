#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {

// With its policies, their alarms, and its scheduled actions; the service stays as it is. The
// alarms go first: a crash in between leaves the policies, which make them again.
task<Result<DeregisterScalableTargetResponse>> deregister_scalable_target(
    ApplicationAutoscaling& scaling, const RequestContext& ctx,
    DeregisterScalableTargetRequest in) {
  LF_CO_TRY(row, find_target(scaling, ctx, "DeregisterScalableTarget", in.service_namespace,
                             in.resource_id, in.scalable_dimension));
  const Tables tables = scaling.tables(ctx.scope);
  for (int attempt = 0; attempt < 8; ++attempt) {
    store::Transaction change;
    std::vector<std::string> alarms;
    for (const auto& policy : tables.policies.list(row.id + "/")) {
      change.conditions.push_back(tables.policies.unchanged(policy.id, policy.revision));
      change.operations.push_back(tables.policies.remove(policy.id));
      for (const std::string& name : {policy.value.high_alarm, policy.value.low_alarm}) {
        if (!name.empty()) alarms.push_back(name);
      }
    }
    for (const auto& schedule : tables.schedules.list(row.id + "/"))
      change.operations.push_back(tables.schedules.remove(schedule.id));
    change.operations.push_back(tables.targets.remove(row.id));
    LF_CO_OK(co_await scaling.cloudwatch.delete_alarms(ctx.scope, std::move(alarms)));
    LF_CO_TRY(done, co_await scaling.store.commit(std::move(change)));
    if (done.succeeded) co_return DeregisterScalableTargetResponse{};
  }
  co_return errors::concurrent_update("The scalable target keeps changing; try again.");
}

}  // namespace landfall::application_autoscaling
