// operations: TagResource, UntagResource, ListResourceTags
#include "services/kms/shapes.h"

namespace landfall::kms {

task<Result<TagResourceResponse>> tag_resource(Kms& kms, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_OK(co_await change(kms, ctx, in.key_id, "kms:TagResource",
                           [tags = in.tags](KeyRecord& key) -> Result<bool> {
                             LF_OK(add_tags(key, tags));
                             return true;
                           }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Kms& kms, const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_OK(co_await change(kms, ctx, in.key_id, "kms:UntagResource",
                           [keys = in.tag_keys](KeyRecord& key) -> Result<bool> {
                             for (const std::string& name : keys) key.tags.erase(name);
                             return true;
                           }));
  co_return UntagResourceResponse{};
}

task<Result<ListResourceTagsResponse>> list_resource_tags(Kms& kms, const RequestContext& ctx,
                                                          ListResourceTagsRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:ListResourceTags"));
  ListResourceTagsResponse out{.truncated = false};
  out.tags.present = true;
  for (const auto& [key, value] : row.value.tags)
    out.tags.push_back({.tag_key = key, .tag_value = value});
  co_return out;
}

}  // namespace landfall::kms
