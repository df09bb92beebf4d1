// operations: TagResource, UntagResource, ListTagsForResource
#include "services/efs/service.h"
#include "wire/efs/errors.h"
#include "wire/efs/operations.h"

namespace landfall::efs {
namespace {

bool is_access_point(std::string_view reference) { return reference.contains("fsap-"); }

task<Result<void>> change_tags(Efs& efs, Scope scope, std::string reference,
                               std::function<Result<void>(Tags&)> change) {
  auto edit = [change](auto& record) -> Result<bool> {
    LF_OK(change(record.tags));
    return true;
  };
  if (is_access_point(reference)) {
    LF_CO_TRY(row, find_access_point(efs, scope, reference));
    auto done = co_await efs.access_points(scope).update(row.id, edit);
    if (!done) co_return std::unexpected(done.error());
  } else {
    LF_CO_TRY(row, find_file_system(efs, scope, reference));
    auto done = co_await efs.file_systems(scope).update(row.id, edit);
    if (!done) co_return std::unexpected(done.error());
  }
  co_return Result<void>();
}

}  // namespace

task<Result<TagResourceResponse>> tag_resource(Efs& efs, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_OK(co_await change_tags(efs, ctx.scope, in.resource_id,
                                [more = in.tags](Tags& tags) { return add_tags(tags, more); }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Efs& efs, const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_OK(co_await change_tags(efs, ctx.scope, in.resource_id,
                                [keys = in.tag_keys](Tags& tags) -> Result<void> {
                                  for (const std::string& key : keys) tags.erase(key);
                                  return {};
                                }));
  co_return UntagResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Efs& efs,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  ListTagsForResourceResponse out;
  if (is_access_point(in.resource_id)) {
    LF_CO_TRY(row, find_access_point(efs, ctx.scope, in.resource_id));
    out.tags = to_api(row.value.tags);
  } else {
    LF_CO_TRY(row, find_file_system(efs, ctx.scope, in.resource_id));
    out.tags = to_api(row.value.tags);
  }
  co_return out;
}

}  // namespace landfall::efs
