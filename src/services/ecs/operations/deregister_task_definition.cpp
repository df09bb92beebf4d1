#include "services/ecs/service.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// Running tasks and services keep it; nothing new starts from it.
task<Result<DeregisterTaskDefinitionResponse>> deregister_task_definition(
    Ecs& ecs, const RequestContext& ctx, DeregisterTaskDefinitionRequest in) {
  const auto name = parse_definition_name(ctx.scope, in.task_definition);
  if (!name) co_return errors::client("The specified task definition does not exist.");
  if (!name->revision) co_return errors::client("Invalid revision number. Number: null");
  const Tables tables = ecs.tables(ctx.scope);
  const std::string id = definition_id(name->family, *name->revision);
  if (!tables.definitions.get(id))
    co_return errors::client("The specified task definition does not exist.");
  LF_CO_TRY(row, co_await tables.definitions.update(
                     id, [&](TaskDefinitionRecord& record) -> Result<bool> {
                       if (record.definition.status == "DELETE_IN_PROGRESS")
                         return errors::client("The specified task definition is being deleted.");
                       record.definition.status = "INACTIVE";
                       record.definition.deregistered_at = ctx.now;
                       return true;
                     }));
  DeregisterTaskDefinitionResponse out;
  out.task_definition = std::move(row.value.definition);
  co_return out;
}

}  // namespace landfall::ecs
