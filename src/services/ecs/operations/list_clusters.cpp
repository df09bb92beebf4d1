#include "services/ecs/service.h"
#include "store/pagination.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<ListClustersResponse>> list_clusters(Ecs& ecs, const RequestContext& ctx,
                                                 ListClustersRequest in) {
  LF_CO_TRY(limit, page_size(in.max_results));
  LF_CO_TRY(after, read_page("clusters", in.next_token));
  auto rows = ecs.tables(ctx.scope).clusters.list({}, after);
  std::erase_if(rows, [](const auto& row) { return !row.value.active; });
  ListClustersResponse out;
  out.cluster_arns.present = true;
  out.next_token = store::cut_page(rows, limit, [](const auto& row) { return row.id; }, "clusters");
  for (const auto& row : rows) out.cluster_arns.push_back(cluster_arn(ctx.scope, row.id));
  co_return out;
}

}  // namespace landfall::ecs
