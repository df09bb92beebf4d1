// operations: AddTagsToResource, RemoveTagsFromResource, ListTagsForResource
#include "services/ssm/shapes.h"

namespace landfall::ssm {
namespace {

// Parameters are the only resources there are.
Result<ParameterRow> open(Ssm& ssm, const RequestContext& ctx, const std::string& action,
                          const std::string& type, const std::string& name) {
  if (type != "Parameter") {
    return errors::invalid_resource_type("Only resources of type Parameter are served here.");
  }
  LF_OK(ssm.authorize(ctx, action, name));
  auto row = ssm.find(ctx.scope, name);
  if (!row) return errors::invalid_resource_id(fmt::format("There is no parameter {}.", name));
  return std::move(*row);
}

}  // namespace

task<Result<AddTagsToResourceResponse>> add_tags_to_resource(Ssm& ssm, const RequestContext& ctx,
                                                             AddTagsToResourceRequest in) {
  LF_CO_TRY(row, open(ssm, ctx, "AddTagsToResource", in.resource_type, in.resource_id));
  LF_CO_OK(co_await ssm.parameters(ctx.scope).update(
      row.id, [tags = in.tags](ParameterRecord& parameter) -> Result<bool> {
        LF_OK(add_tags(parameter, tags));
        return true;
      }));
  co_return AddTagsToResourceResponse{};
}

task<Result<RemoveTagsFromResourceResponse>> remove_tags_from_resource(
    Ssm& ssm, const RequestContext& ctx, RemoveTagsFromResourceRequest in) {
  LF_CO_TRY(row, open(ssm, ctx, "RemoveTagsFromResource", in.resource_type, in.resource_id));
  LF_CO_OK(co_await ssm.parameters(ctx.scope).update(
      row.id, [keys = in.tag_keys](ParameterRecord& parameter) -> Result<bool> {
        for (const std::string& key : keys) parameter.tags.erase(key);
        return true;
      }));
  co_return RemoveTagsFromResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Ssm& ssm,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(row, open(ssm, ctx, "ListTagsForResource", in.resource_type, in.resource_id));
  ListTagsForResourceResponse out;
  out.tag_list.present = true;
  for (const auto& [key, value] : row.value.tags)
    out.tag_list.push_back({.key = key, .value = value});
  co_return out;
}

}  // namespace landfall::ssm
