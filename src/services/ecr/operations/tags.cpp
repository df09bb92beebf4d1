// operations: ListTagsForResource, TagResource, UntagResource
#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

Result<FoundRepository> find_by_arn(const Ecr& ecr, const RequestContext& ctx,
                                    const std::string& text, std::string_view action) {
  const auto arn = Arn::parse(text);
  constexpr std::string_view kKind = "repository/";
  if (!arn || arn->service != "ecr" || !arn->resource.starts_with(kKind) ||
      arn->region != ctx.scope.region) {
    return errors::invalid_parameter(fmt::format(
        "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN' ({})",
        text.substr(0, 200)));
  }
  return find_for(ecr, ctx, arn->account, arn->resource.substr(kKind.size()), action);
}

}  // namespace

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Ecr& ecr,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(found, find_by_arn(ecr, ctx, in.resource_arn, "ecr:ListTagsForResource"));
  ListTagsForResourceResponse out;
  for (const auto& [key, value] : found.record().tags) out.tags.push_back({key, value});
  co_return out;
}

task<Result<TagResourceResponse>> tag_resource(Ecr& ecr, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_TRY(found, find_by_arn(ecr, ctx, in.resource_arn, "ecr:TagResource"));
  LF_CO_OK(co_await change_repository(ecr, found, [&in](RepositoryRecord& record) -> Result<bool> {
    LF_OK(merge_tags(record.tags, in.tags));
    return true;
  }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Ecr& ecr, const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_TRY(found, find_by_arn(ecr, ctx, in.resource_arn, "ecr:UntagResource"));
  LF_CO_OK(co_await change_repository(ecr, found, [&in](RepositoryRecord& record) -> Result<bool> {
    for (const std::string& key : in.tag_keys) record.tags.erase(key);
    return true;
  }));
  co_return UntagResourceResponse{};
}

}  // namespace landfall::ecr
