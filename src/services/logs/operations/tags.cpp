// operations: TagResource, UntagResource, ListTagsForResource
// operations: TagLogGroup, UntagLogGroup, ListTagsLogGroup
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

using Tags = std::map<std::string, std::string>;

task<Result<void>> change_tags(Logs& logs, Scope scope, std::string group,
                               std::function<Result<void>(Tags&)> change) {
  auto done =
      co_await logs.groups(scope).update(group, [&change](GroupRecord& record) -> Result<bool> {
        const Tags before = record.tags;
        LF_OK(change(record.tags));
        return record.tags != before;
      });
  if (done) co_return Result<void>();
  if (done.error().code == "not-found") {
    co_return errors::resource_not_found("The specified log group does not exist.");
  }
  co_return std::unexpected(to_api(done.error()));
}

task<Result<void>> add(Logs& logs, Scope scope, std::string group, Tags more) {
  co_return co_await change_tags(logs, std::move(scope), std::move(group),
                                 [&more](Tags& tags) { return add_tags(tags, more); });
}

task<Result<void>> remove(Logs& logs, Scope scope, std::string group,
                          std::vector<std::string> keys) {
  co_return co_await change_tags(logs, std::move(scope), std::move(group),
                                 [&keys](Tags& tags) -> Result<void> {
                                   for (const std::string& key : keys) tags.erase(key);
                                   return {};
                                 });
}

}  // namespace

task<Result<TagResourceResponse>> tag_resource(Logs& logs, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_TRY(group, find_tagged(logs, ctx.scope, in.resource_arn));
  LF_CO_OK(co_await add(logs, ctx.scope, group.id, std::move(in.tags)));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Logs& logs, const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_TRY(group, find_tagged(logs, ctx.scope, in.resource_arn));
  LF_CO_OK(co_await remove(logs, ctx.scope, group.id, std::move(in.tag_keys)));
  co_return UntagResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Logs& logs,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  LF_CO_TRY(group, find_tagged(logs, ctx.scope, in.resource_arn));
  ListTagsForResourceResponse out;
  out.tags = wire::Map<std::string>(group.value.tags);
  co_return out;
}

task<Result<TagLogGroupResponse>> tag_log_group(Logs& logs, const RequestContext& ctx,
                                                TagLogGroupRequest in) {
  LF_CO_OK(co_await add(logs, ctx.scope, in.log_group_name, std::move(in.tags)));
  co_return TagLogGroupResponse{};
}

task<Result<UntagLogGroupResponse>> untag_log_group(Logs& logs, const RequestContext& ctx,
                                                    UntagLogGroupRequest in) {
  LF_CO_OK(co_await remove(logs, ctx.scope, in.log_group_name, std::move(in.tags)));
  co_return UntagLogGroupResponse{};
}

task<Result<ListTagsLogGroupResponse>> list_tags_log_group(Logs& logs, const RequestContext& ctx,
                                                           ListTagsLogGroupRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name));
  ListTagsLogGroupResponse out;
  out.tags = wire::Map<std::string>(group.value.tags);
  co_return out;
}

}  // namespace landfall::logs
