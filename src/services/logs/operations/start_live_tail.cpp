#include "services/logs/live_tails.h"
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

Result<TailFilter> to_filter(const Logs& logs, const RequestContext& ctx,
                             const StartLiveTailRequest& in) {
  TailFilter filter;
  for (const std::string& identifier : in.log_group_identifiers) {
    if (!Arn::looks_like(identifier)) {
      return errors::invalid_parameter("Log groups are named by their ARNs here.");
    }
    LF_TRY(group, find_group(logs, ctx.scope, std::nullopt, identifier));
    filter.groups.emplace(group.value.id, group_arn(ctx.scope, group.value.name));
  }
  if (!in.log_stream_names.empty() && !in.log_stream_name_prefixes.empty()) {
    return errors::invalid_parameter(
        "logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.");
  }
  const bool by_stream = !in.log_stream_names.empty() || !in.log_stream_name_prefixes.empty();
  if (by_stream && filter.groups.size() != 1) {
    return errors::invalid_parameter(
        "logStreamNames and logStreamNamePrefixes can be used with one log group only.");
  }
  for (const std::string& name : in.log_stream_names) filter.streams.push_back(name);
  for (const std::string& prefix : in.log_stream_name_prefixes) filter.prefixes.push_back(prefix);
  filter.pattern_text = in.log_event_filter_pattern.value_or("");
  if (!filter.pattern_text.empty()) {
    auto pattern = Pattern::parse(filter.pattern_text);
    if (!pattern) return errors::invalid_parameter(pattern.error().message);
    filter.pattern = std::move(*pattern);
  }
  return filter;
}

}  // namespace

// Opens the session; the gateway takes it and sends what it says until one of both ends.
task<Result<StartLiveTailResponse>> start_live_tail(Logs& logs, const RequestContext& ctx,
                                                    StartLiveTailRequest in) {
  LF_CO_TRY(filter, to_filter(logs, ctx, in));
  if (auto opened = logs.tails.open(ctx.scope, ctx.request_id, std::move(filter)); !opened) {
    co_return errors::limit_exceeded(opened.error().message);
  }
  co_return StartLiveTailResponse{};
}

}  // namespace landfall::logs
