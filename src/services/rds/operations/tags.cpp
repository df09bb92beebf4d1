// operations: AddTagsToResource, RemoveTagsFromResource, ListTagsForResource
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

// Reads or edits the tags of whatever the ARN names. `edit` says whether it changed them.
template <class T>
task<Result<Tags>> edit_record(store::Table<T> table, std::string id,
                               std::function<Result<bool>(Tags&)> edit) {
  auto row = co_await table.update(std::move(id), [&](T& record) { return edit(record.tags); });
  if (!row) co_return std::unexpected(row.error());
  co_return row->value.tags;
}

task<Result<Tags>> edit_tags(Rds& rds, Scope scope, std::string resource,
                             std::function<Result<bool>(Tags&)> edit) {
  const auto arn = Arn::parse(resource);
  const std::size_t colon = arn ? arn->resource.find(':') : std::string::npos;
  if (!arn || arn->service != "rds" || colon == std::string::npos) {
    co_return fail("InvalidParameterValue", fmt::format("Invalid resource name: {}", resource));
  }
  const std::string kind = arn->resource.substr(0, colon);
  const std::string id = arn->resource.substr(colon + 1);
  if (arn->region != scope.region || arn->account != scope.account) {
    co_return errors::resource_not_found(
        fmt::format("{} is of another account or region", resource));
  }
  const Tables tables = rds.tables(scope);
  Result<Tags> done = fail("InvalidParameterValue", fmt::format("{} cannot have tags", resource));
  if (kind == "db")
    done = co_await edit_record(tables.instances, id, std::move(edit));
  else if (kind == "snapshot")
    done = co_await edit_record(tables.snapshots, id, std::move(edit));
  else if (kind == "subgrp")
    done = co_await edit_record(tables.subnet_groups, id, std::move(edit));
  else if (kind == "pg")
    done = co_await edit_record(tables.parameter_groups, id, std::move(edit));
  if (done || done.error().code != "not-found") co_return done;
  if (kind == "db")
    co_return errors::db_instance_not_found(fmt::format("DBInstance {} not found.", id));
  if (kind == "snapshot")
    co_return errors::db_snapshot_not_found(fmt::format("DBSnapshot {} not found.", id));
  co_return errors::resource_not_found(fmt::format("{} not found.", resource));
}

}  // namespace

task<Result<AddTagsToResourceResponse>> add_tags_to_resource(Rds& rds, const RequestContext& ctx,
                                                             AddTagsToResourceRequest in) {
  LF_CO_TRY(added, to_tags(in.tags));
  LF_CO_OK(co_await edit_tags(rds, ctx.scope, in.resource_name, [&](Tags& tags) -> Result<bool> {
    for (const auto& [key, value] : added) tags[key] = value;
    if (tags.size() > 50)
      return fail("InvalidParameterValue", "A resource can have at most 50 tags.");
    return true;
  }));
  co_return AddTagsToResourceResponse{};
}

task<Result<RemoveTagsFromResourceResponse>> remove_tags_from_resource(
    Rds& rds, const RequestContext& ctx, RemoveTagsFromResourceRequest in) {
  LF_CO_OK(co_await edit_tags(rds, ctx.scope, in.resource_name, [&](Tags& tags) -> Result<bool> {
    for (const std::string& key : in.tag_keys) tags.erase(key);
    return true;
  }));
  co_return RemoveTagsFromResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Rds& rds,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(tags, co_await edit_tags(rds, ctx.scope, in.resource_name,
                                     [](Tags&) -> Result<bool> { return false; }));
  ListTagsForResourceResponse out;
  out.tag_list = to_shape(tags);
  co_return out;
}

}  // namespace landfall::rds
