#include "services/ecs/service.h"
#include "store/pagination.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<ListServicesResponse>> list_services(Ecs& ecs, const RequestContext& ctx,
                                                 ListServicesRequest in) {
  // Unlike most lists, this one gives 10 unless told.
  LF_CO_TRY(limit, page_size(in.max_results.value_or(10)));
  LF_CO_TRY(after, read_page("services", in.next_token));
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  auto rows = tables.services.list(cluster.id + "/", after);
  std::erase_if(rows, [&](const auto& row) {
    return row.value.status != ServiceStatus::active ||
           (in.launch_type && row.value.launch_type != *in.launch_type) ||
           in.scheduling_strategy.value_or("REPLICA") != "REPLICA";
  });
  ListServicesResponse out;
  out.service_arns.present = true;
  out.next_token = store::cut_page(rows, limit, [](const auto& row) { return row.id; }, "services");
  for (const auto& row : rows)
    out.service_arns.push_back(service_arn(ctx.scope, cluster.id, row.value.name));
  co_return out;
}

}  // namespace landfall::ecs
