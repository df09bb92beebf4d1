#include "services/ecs/service.h"
#include "store/pagination.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// Without desiredStatus: the tasks that shall run.
task<Result<ListTasksResponse>> list_tasks(Ecs& ecs, const RequestContext& ctx,
                                           ListTasksRequest in) {
  LF_CO_TRY(limit, page_size(in.max_results));
  LF_CO_TRY(after, read_page("tasks", in.next_token));
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  std::optional<std::string> service;
  if (in.service_name) {
    service = local_name(ctx.scope, "service", cluster.id, *in.service_name);
    if (!service || !tables.services.get(cluster.id + "/" + *service))
      co_return errors::service_not_found("Service not found.");
  }
  const bool stopped = in.desired_status.value_or("RUNNING") == "STOPPED";
  auto rows = tables.tasks.list(cluster.id + "/", after);
  std::erase_if(rows, [&](const auto& row) {
    const TaskRecord& t = row.value;
    return t.stop_wanted != stopped || (service && t.service != *service) ||
           (in.family && t.family != *in.family) ||
           (in.started_by && t.started_by != *in.started_by) ||
           (in.launch_type && t.launch_type != *in.launch_type) || in.container_instance ||
           in.desired_status == "PENDING";
  });
  ListTasksResponse out;
  out.task_arns.present = true;
  out.next_token = store::cut_page(rows, limit, [](const auto& row) { return row.id; }, "tasks");
  for (const auto& row : rows)
    out.task_arns.push_back(task_arn(ctx.scope, cluster.id, row.value.id));
  co_return out;
}

}  // namespace landfall::ecs
