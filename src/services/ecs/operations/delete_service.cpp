#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// The controller stops the tasks; the service is DRAINING meanwhile and INACTIVE afterwards.
task<Result<DeleteServiceResponse>> delete_service(Ecs& ecs, const RequestContext& ctx,
                                                   DeleteServiceRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const auto name = local_name(ctx.scope, "service", cluster.id, in.service);
  const std::string id = cluster.id + "/" + name.value_or("");
  if (!name || !tables.services.get(id)) co_return errors::service_not_found("Service not found.");
  LF_CO_TRY(row, co_await tables.services.update(id, [&](ServiceRecord& service) -> Result<bool> {
    if (service.status == ServiceStatus::inactive)
      return errors::service_not_found("Service not found.");
    if (service.status == ServiceStatus::draining) return false;
    if (service.desired_count > 0 && !in.force.value_or(false))
      return errors::invalid_parameter("The service cannot be stopped while it is scaled above 0.");
    service.status = ServiceStatus::draining;
    service.desired_count = 0;
    return true;
  }));
  DeleteServiceResponse out;
  out.service = describe_service(ecs, ctx.scope, row.value, {.tags = true});
  co_return out;
}

}  // namespace landfall::ecs
