#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// The cluster can be described as INACTIVE afterwards, as on AWS.
task<Result<DeleteClusterResponse>> delete_cluster(Ecs& ecs, const RequestContext& ctx,
                                                   DeleteClusterRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(row, find_cluster(tables, ctx.scope, in.cluster));
  for (const auto& service : tables.services.list(row.id + "/")) {
    if (service.value.status == ServiceStatus::active)
      co_return errors::cluster_contains_services(
          "The Cluster cannot be deleted while Services are active.");
  }
  for (const auto& t : tables.tasks.list(row.id + "/")) {
    if (t.value.status != TaskStatus::stopped)
      co_return errors::cluster_contains_tasks(
          "The Cluster cannot be deleted while Tasks are active.");
  }
  LF_CO_TRY(deleted,
            co_await tables.clusters.update(row.id, [&](ClusterRecord& cluster) -> Result<bool> {
              cluster.active = false;
              cluster.deleted_at = ctx.now;
              return true;
            }));
  DeleteClusterResponse out;
  out.cluster = describe_cluster(tables, ctx.scope, deleted.value);
  co_return out;
}

}  // namespace landfall::ecs
