#include "services/ecs/describe.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<DescribeClustersResponse>> describe_clusters(Ecs& ecs, const RequestContext& ctx,
                                                         DescribeClustersRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  DescribeClustersResponse out;
  out.clusters.present = out.failures.present = true;
  if (in.clusters.empty()) in.clusters.push_back("default");
  auto wanted = [&](std::string_view part) {
    return std::ranges::find(in.include, part) != in.include.end();
  };
  for (const std::string& reference : in.clusters) {
    const auto name = cluster_name(ctx.scope, reference);
    const auto row = name ? tables.clusters.get(*name) : std::nullopt;
    if (!row) {
      const bool is_arn = Arn::looks_like(reference);
      out.failures.push_back(
          {is_arn ? reference : cluster_arn(ctx.scope, reference), "MISSING", {}});
      continue;
    }
    Cluster cluster = describe_cluster(tables, ctx.scope, row->value);
    if (wanted("TAGS")) cluster.tags = to_api(row->value.tags);
    if (wanted("SETTINGS")) cluster.settings = shown_settings(row->value);
    out.clusters.push_back(std::move(cluster));
  }
  co_return out;
}

}  // namespace landfall::ecs
