#include "services/ecs/definition/check.h"
#include "services/ecs/describe.h"
#include "services/ecs/launch.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

// A bare name stands for a role of the caller's account.
std::optional<std::string> full_role_arn(const Scope& scope,
                                         const std::optional<std::string>& role) {
  if (!role || role->empty() || Arn::looks_like(*role)) return role;
  return Arn{"aws", "iam", "", scope.account, "role/" + *role}.str();
}

}  // namespace

task<Result<RegisterTaskDefinitionResponse>> register_task_definition(
    Ecs& ecs, const RequestContext& ctx, RegisterTaskDefinitionRequest in) {
  LF_CO_TRY(tags, read_tags(in.tags));
  in.task_role_arn = full_role_arn(ctx.scope, in.task_role_arn);
  in.execution_role_arn = full_role_arn(ctx.scope, in.execution_role_arn);
  LF_CO_TRY(definition, check_definition(std::move(in), machine_architecture()));
  for (const auto& role : {definition.task_role_arn, definition.execution_role_arn}) {
    if (role && !role->empty() && !ecs.iam.find_role(ctx.scope.account, *role))
      co_return errors::client("Role is not valid");
  }

  const Tables tables = ecs.tables(ctx.scope);
  const std::string family = *definition.family;
  for (;;) {
    const auto counter = tables.families.get(family);
    const int revision = (counter ? counter->value.latest : 0) + 1;
    TaskDefinitionRecord record{definition, tags};
    record.definition.revision = revision;
    record.definition.status = "ACTIVE";
    record.definition.task_definition_arn = definition_arn(ctx.scope, family, revision);
    record.definition.registered_at = ctx.now;
    record.definition.registered_by = ctx.principal.arn;
    LF_CO_TRY(done, co_await ecs.store.commit(
                        {{tables.families.unchanged(family, counter ? counter->revision : 0)},
                         {tables.families.put(family, {revision}),
                          tables.definitions.put(definition_id(family, revision), record)}}));
    if (!done.succeeded) continue;
    RegisterTaskDefinitionResponse out;
    out.task_definition = std::move(record.definition);
    if (!tags.empty()) out.tags = to_api(tags);
    co_return out;
  }
}

}  // namespace landfall::ecs
