#include "services/ecs/controller/task_plan.h"
#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// Records intent only. The controller stops the containers, so a crash after this write still ends
// with the task stopped.
task<Result<StopTaskResponse>> stop_task(Ecs& ecs, const RequestContext& ctx, StopTaskRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const auto id = local_name(ctx.scope, "task", cluster.id, in.task);
  const std::string key = cluster.id + "/" + id.value_or("");
  if (!id || !tables.tasks.get(key))
    co_return errors::invalid_parameter("The referenced task was not found.");
  LF_CO_TRY(row, co_await tables.tasks.update(key, [&](TaskRecord& task) -> Result<bool> {
    if (task.stop_wanted) return false;
    want_stop(task, "UserInitiated", in.reason.value_or("Task stopped by user"), ctx.now);
    ++task.version;
    return true;
  }));
  StopTaskResponse out;
  out.task = describe_task(ctx.scope, row.value, true);
  co_return out;
}

}  // namespace landfall::ecs
