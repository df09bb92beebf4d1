// operations: ListTagsForResource, TagResource, UntagResource
#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

Result<TargetRow> find_by_arn(const ApplicationAutoscaling& scaling, const RequestContext& ctx,
                              const std::string& action, const std::string& arn,
                              const wire::Map<std::string>& tags = {}) {
  for (auto& row : scaling.tables(ctx.scope).targets.list()) {
    if (target_arn(ctx.scope, row.value) != arn) continue;
    LF_OK(authorize(scaling, ctx, action, &row.value, tags));
    return std::move(row);
  }
  LF_OK(authorize(scaling, ctx, action, nullptr, tags));
  return errors::resource_not_found(fmt::format("The specified resource doesn't exist: {}", arn),
                                    {{"ResourceName", arn}});
}

}  // namespace

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(ApplicationAutoscaling& scaling,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(row, find_by_arn(scaling, ctx, "ListTagsForResource", in.resource_arn));
  ListTagsForResourceResponse out;
  out.tags = wire::Map<std::string>(row.value.tags);
  co_return out;
}

task<Result<TagResourceResponse>> tag_resource(ApplicationAutoscaling& scaling,
                                               const RequestContext& ctx, TagResourceRequest in) {
  LF_CO_TRY(row, find_by_arn(scaling, ctx, "TagResource", in.resource_arn, in.tags));
  LF_CO_OK(co_await scaling.tables(ctx.scope).targets.update(
      row.id, [&](TargetRecord& target) -> Result<bool> {
        LF_OK(merge_tags(target.tags, in.tags));
        return true;
      }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(ApplicationAutoscaling& scaling,
                                                   const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_TRY(row, find_by_arn(scaling, ctx, "UntagResource", in.resource_arn));
  LF_CO_OK(co_await scaling.tables(ctx.scope).targets.update(
      row.id, [&](TargetRecord& target) -> Result<bool> {
        for (const std::string& key : in.tag_keys) target.tags.erase(key);
        return true;
      }));
  co_return UntagResourceResponse{};
}

}  // namespace landfall::application_autoscaling
