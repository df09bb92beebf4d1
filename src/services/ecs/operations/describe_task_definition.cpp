#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<DescribeTaskDefinitionResponse>> describe_task_definition(
    Ecs& ecs, const RequestContext& ctx, DescribeTaskDefinitionRequest in) {
  const auto row = find_definition(ecs.tables(ctx.scope), ctx.scope, in.task_definition);
  if (!row) co_return errors::client("Unable to describe task definition.");
  DescribeTaskDefinitionResponse out;
  out.task_definition = row->value.definition;
  if (std::ranges::find(in.include, "TAGS") != in.include.end()) out.tags = to_api(row->value.tags);
  co_return out;
}

}  // namespace landfall::ecs
