// operations: TagResource, UntagResource, ListTagsForResource
#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

using Change = std::function<Result<bool>(std::vector<TagRecord>&)>;

template <class T>
task<Result<void>> change_row(store::Table<T> table, std::string id, Change change) {
  if (!table.get(id)) co_return errors::invalid_parameter("The specified resource was not found.");
  LF_CO_OK(co_await table.update(id, [&](T& row) -> Result<bool> { return change(row.tags); }));
  co_return Result<void>();
}

// The table and id that an ARN stands for.
task<Result<void>> change_tags(Ecs& ecs, const RequestContext& ctx, std::string resource,
                               Change change) {
  const auto parsed = Arn::parse(resource);
  if (!parsed || parsed->service != "ecs" || parsed->account != ctx.scope.account ||
      parsed->region != ctx.scope.region)
    co_return errors::invalid_parameter("Invalid identifier: Unexpected number of separators");
  const auto slash = parsed->resource.find('/');
  if (slash == std::string::npos)
    co_return errors::invalid_parameter("Invalid identifier: Unexpected number of separators");
  const std::string kind = parsed->resource.substr(0, slash);
  const std::string id = parsed->resource.substr(slash + 1);
  const Tables tables = ecs.tables(ctx.scope);
  if (kind == "cluster") co_return co_await change_row(tables.clusters, id, std::move(change));
  if (kind == "service") co_return co_await change_row(tables.services, id, std::move(change));
  if (kind == "task") co_return co_await change_row(tables.tasks, id, std::move(change));
  if (kind == "task-definition") {
    const auto row = find_definition(tables, ctx.scope, resource);
    co_return co_await change_row(tables.definitions, row ? row->id : "", std::move(change));
  }
  co_return errors::invalid_parameter(fmt::format("Resources of type '{}' have no tags.", kind));
}

}  // namespace

task<Result<TagResourceResponse>> tag_resource(Ecs& ecs, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_TRY(tags, read_tags(in.tags));
  LF_CO_OK(co_await change_tags(ecs, ctx, in.resource_arn,
                                [&](std::vector<TagRecord>& own) -> Result<bool> {
                                  LF_OK(merge_tags(own, tags));
                                  return true;
                                }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Ecs& ecs, const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_OK(co_await change_tags(
      ecs, ctx, in.resource_arn, [&](std::vector<TagRecord>& own) -> Result<bool> {
        return std::erase_if(own, [&](const TagRecord& tag) {
                 return std::ranges::find(in.tag_keys, tag.key) != in.tag_keys.end();
               }) > 0;
      }));
  co_return UntagResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Ecs& ecs,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  ListTagsForResourceResponse out;
  LF_CO_OK(co_await change_tags(ecs, ctx, in.resource_arn,
                                [&](std::vector<TagRecord>& own) -> Result<bool> {
                                  out.tags = to_api(own);
                                  return false;
                                }));
  co_return out;
}

}  // namespace landfall::ecs
