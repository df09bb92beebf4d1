#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<DescribeServicesResponse>> describe_services(Ecs& ecs, const RequestContext& ctx,
                                                         DescribeServicesRequest in) {
  if (in.services.empty()) co_return errors::invalid_parameter("Services cannot be empty.");
  if (in.services.size() > 10)
    co_return errors::invalid_parameter("At most 10 services can be described at once.");
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const bool tags = std::ranges::find(in.include, "TAGS") != in.include.end();
  DescribeServicesResponse out;
  out.services.present = out.failures.present = true;
  for (const std::string& reference : in.services) {
    const auto name = local_name(ctx.scope, "service", cluster.id, reference);
    const auto row = name ? tables.services.get(cluster.id + "/" + *name) : std::nullopt;
    if (row) {
      out.services.push_back(describe_service(ecs, ctx.scope, row->value, {.tags = tags}));
    } else {
      const bool is_arn = Arn::looks_like(reference);
      out.failures.push_back(
          {is_arn ? reference : service_arn(ctx.scope, cluster.id, reference), "MISSING", {}});
    }
  }
  co_return out;
}

}  // namespace landfall::ecs
