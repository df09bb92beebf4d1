#include "services/ecs/service.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

bool in_use(const Tables& tables, const std::string& definition) {
  for (const auto& row : tables.tasks.list()) {
    if (row.value.task_definition == definition && row.value.status != TaskStatus::stopped)
      return true;
  }
  for (const auto& row : tables.services.list()) {
    for (const DeploymentRecord& deployment : row.value.deployments) {
      if (deployment.task_definition == definition) return true;
    }
  }
  return false;
}

}  // namespace

// A definition that something still runs from stays as DELETE_IN_PROGRESS, which nothing new starts
// from; the next sweep removes it when it is free.
task<Result<DeleteTaskDefinitionsResponse>> delete_task_definitions(
    Ecs& ecs, const RequestContext& ctx, DeleteTaskDefinitionsRequest in) {
  if (in.task_definitions.size() > 10)
    co_return errors::invalid_parameter("At most 10 task definitions can be deleted at once.");
  const Tables tables = ecs.tables(ctx.scope);
  DeleteTaskDefinitionsResponse out;
  out.task_definitions.present = out.failures.present = true;
  for (const std::string& reference : in.task_definitions) {
    const auto name = parse_definition_name(ctx.scope, reference);
    if (!name || !name->revision) co_return errors::client("Invalid revision number. Number: null");
    const std::string id = definition_id(name->family, *name->revision);
    const auto row = tables.definitions.get(id);
    if (!row) {
      out.failures.push_back({reference, "TASK_DEFINITION_NOT_FOUND",
                              "The specified task definition does not exist."});
      continue;
    }
    if (row->value.definition.status == "ACTIVE") {
      out.failures.push_back(
          {reference, "TASK_DEFINITION_NOT_INACTIVE",
           "The specified task definition is still in ACTIVE status. Please deregister the "
           "target and try again."});
      continue;
    }
    TaskDefinitionRecord deleted = row->value;
    deleted.definition.status = "DELETE_IN_PROGRESS";
    deleted.definition.delete_requested_at = ctx.now;
    store::Transaction change{{tables.definitions.unchanged(id, row->revision)}, {}};
    if (in_use(tables, *deleted.definition.task_definition_arn)) {
      change.operations.push_back(tables.definitions.put(id, deleted));
    } else {
      change.operations.push_back(tables.definitions.remove(id));
    }
    LF_CO_TRY(done, co_await ecs.store.commit(std::move(change)));
    if (!done.succeeded)
      co_return errors::client("The task definition is being changed by another request.");
    out.task_definitions.push_back(std::move(deleted.definition));
  }
  co_return out;
}

}  // namespace landfall::ecs
