// operations: TagResource, UntagResource, ListTagsForResource
#include "services/cloudwatch/alarms/configure.h"
#include "services/cloudwatch/alarms/rule.h"
#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

using Tags = std::map<std::string, std::string>;

std::unexpected<Error> not_found(const std::string& arn) {
  return errors::resource_not_found_exception(fmt::format("There is no resource {}.", arn),
                                              {{"ResourceType", "Alarm"}, {"ResourceId", arn}});
}

// Alarms have tags.
task<Result<void>> change_tags(Cloudwatch& cloudwatch, const RequestContext& ctx, std::string arn,
                               std::function<Result<void>(Tags&)> change) {
  const std::string name = alarm_name_of(ctx.scope, arn);
  if (name == arn) co_return not_found(arn);
  auto done = co_await change_alarm(cloudwatch, ctx.scope, name,
                                    [&change](AlarmRecord& alarm) -> Result<bool> {
                                      const Tags before = alarm.tags;
                                      LF_OK(change(alarm.tags));
                                      return alarm.tags != before;
                                    });
  if (!done && done.error().code == "not-found") co_return not_found(arn);
  co_return done;
}

}  // namespace

task<Result<TagResourceResponse>> tag_resource(Cloudwatch& cloudwatch, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_TRY(more, read_tags(in.tags));
  LF_CO_OK(
      co_await change_tags(cloudwatch, ctx, in.resource_arn, [&more](Tags& tags) -> Result<void> {
        for (const auto& [key, value] : more) tags[key] = value;
        if (tags.size() > 50)
          return errors::invalid_parameter_value("A resource has at most 50 tags.");
        return {};
      }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Cloudwatch& cloudwatch,
                                                   const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_OK(
      co_await change_tags(cloudwatch, ctx, in.resource_arn, [&in](Tags& tags) -> Result<void> {
        for (const std::string& key : in.tag_keys) tags.erase(key);
        return {};
      }));
  co_return UntagResourceResponse{};
}

task<Result<ListTagsForResourceResponse>> list_tags_for_resource(Cloudwatch& cloudwatch,
                                                                 const RequestContext& ctx,
                                                                 ListTagsForResourceRequest in) {
  const std::string name = alarm_name_of(ctx.scope, in.resource_arn);
  const auto row = name == in.resource_arn ? std::nullopt : cloudwatch.find_alarm(ctx.scope, name);
  if (!row) co_return not_found(in.resource_arn);
  ListTagsForResourceResponse out;
  out.tags.present = true;
  for (const auto& [key, value] : row->value.tags) out.tags.push_back({.key = key, .value = value});
  co_return out;
}

}  // namespace landfall::cloudwatch
