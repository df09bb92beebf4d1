// operations: TagResource, UntagResource, ListTagsForResource
#include "services/sns/shapes.h"

namespace landfall::sns {
namespace {

// Topics are what has tags.
Result<TopicRow> open_tagged(const Sns& sns, const RequestContext& ctx, const std::string& action,
                             const std::string& arn) {
  auto row = sns.open(ctx, action, arn);
  if (!row && row.error().code == "NotFound")
    return errors::resource_not_found("Resource does not exist");
  return row;
}

}  // namespace

task<Result<TagResourceResponse>> tag_resource(Sns& sns, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_OK(open_tagged(sns, ctx, "TagResource", in.resource_arn));
  LF_CO_TRY(topic, parse_topic(in.resource_arn));
  LF_CO_OK(co_await sns.topics(topic.scope)
               .update(topic.name, [&tags = in.tags](TopicRecord& record) -> Result<bool> {
                 LF_OK(add_tags(record.tags, tags));
                 return true;
               }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Sns& sns, const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_OK(open_tagged(sns, ctx, "UntagResource", in.resource_arn));
  LF_CO_TRY(topic, parse_topic(in.resource_arn));
  LF_CO_OK(co_await sns.topics(topic.scope)
               .update(topic.name, [&keys = in.tag_keys](TopicRecord& record) -> Result<bool> {
                 for (const std::string& key : keys) record.tags.erase(key);
                 return true;
               }));
  co_return UntagResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Sns& sns,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(row, open_tagged(sns, ctx, "ListTagsForResource", in.resource_arn));
  ListTagsForResourceResponse out;
  out.tags.present = true;
  for (const auto& [key, value] : row.value.tags) out.tags.push_back({.key = key, .value = value});
  co_return out;
}

}  // namespace landfall::sns
