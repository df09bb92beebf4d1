#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<DescribeTasksResponse>> describe_tasks(Ecs& ecs, const RequestContext& ctx,
                                                   DescribeTasksRequest in) {
  if (in.tasks.empty()) co_return errors::invalid_parameter("Tasks cannot be empty.");
  if (in.tasks.size() > 100)
    co_return errors::invalid_parameter("At most 100 tasks can be described at once.");
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const bool tags = std::ranges::find(in.include, "TAGS") != in.include.end();
  DescribeTasksResponse out;
  out.tasks.present = out.failures.present = true;
  for (const std::string& reference : in.tasks) {
    const auto id = local_name(ctx.scope, "task", cluster.id, reference);
    const auto row = id ? tables.tasks.get(cluster.id + "/" + *id) : std::nullopt;
    if (row) {
      out.tasks.push_back(describe_task(ctx.scope, row->value, tags));
    } else {
      const bool is_arn = Arn::looks_like(reference);
      out.failures.push_back(
          {is_arn ? reference : task_arn(ctx.scope, cluster.id, reference), "MISSING", {}});
    }
  }
  co_return out;
}

}  // namespace landfall::ecs
