// operations: ChangeTagsForResource, ListTagsForResource, ListTagsForResources
#include "services/route53/service.h"
#include "wire/route53/errors.h"
#include "wire/route53/operations.h"

namespace landfall::route53 {
namespace {

Result<store::Row<ZoneRecord>> find_tagged(const Tables& tables, const std::string& type,
                                           const std::string& id) {
  if (type != "hostedzone") {
    return errors::no_such_health_check(
        fmt::format("No health check exists with the specified ID {}", id));
  }
  return find_zone(tables, id);
}

ResourceTagSet to_shape(const ZoneRecord& zone) {
  ResourceTagSet out;
  out.resource_type = "hostedzone";
  out.resource_id = zone.id;
  out.tags.present = true;
  for (const auto& [key, value] : zone.tags) {
    Tag& tag = out.tags.emplace_back();
    tag.key = key;
    tag.value = value;
  }
  return out;
}

}  // namespace

task<Result<ChangeTagsForResourceResponse>> change_tags_for_resource(
    Route53& route53, const RequestContext& ctx, ChangeTagsForResourceRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  auto guard = co_await route53.writing.enter();
  LF_CO_TRY(row, find_tagged(tables, in.resource_type, in.resource_id));
  for (const std::string& key : in.remove_tag_keys) row.value.tags.erase(key);
  for (const Tag& tag : in.add_tags) row.value.tags[tag.key.value_or("")] = tag.value.value_or("");
  if (row.value.tags.size() > 50)
    co_return errors::invalid_input("A hosted zone can have at most 50 tags");
  LF_CO_TRY(done, co_await route53.store.commit({{}, {tables.zones.put(row.id, row.value)}}));
  (void)done;
  co_return ChangeTagsForResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Route53& route53,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(row, find_tagged(route53.tables(ctx.scope.account), in.resource_type, in.resource_id));
  ListTagsForResourceResponse out;
  out.resource_tag_set = to_shape(row.value);
  co_return out;
}

task<Result<ListTagsForResourcesResponse>> list_tags_for_resources(Route53& route53,
                                                                   const RequestContext& ctx,
                                                                   ListTagsForResourcesRequest in) {
  ListTagsForResourcesResponse out;
  for (const std::string& id : in.resource_ids) {
    LF_CO_TRY(row, find_tagged(route53.tables(ctx.scope.account), in.resource_type, id));
    out.resource_tag_sets.push_back(to_shape(row.value));
  }
  co_return out;
}

}  // namespace landfall::route53
