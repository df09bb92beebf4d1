#include "services/logs/incoming.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
constexpr std::size_t kMostBytes = 1'048'576;
constexpr std::int64_t kMostSpanMs = 24LL * 3600 * 1000;
constexpr Millis kTooOld = std::chrono::hours(14 * 24);
constexpr Millis kTooNew = std::chrono::hours(2);

Result<void> check_batch(const wire::List<InputLogEvent>& events) {
  std::size_t bytes = 0;
  for (const InputLogEvent& event : events) bytes += billed_bytes(event.message);
  if (bytes > kMostBytes) {
    return errors::invalid_parameter(
        fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kMostBytes));
  }
  for (std::size_t i = 1; i < events.size(); ++i) {
    if (events[i].timestamp < events[i - 1].timestamp) {
      return errors::invalid_parameter(
          "Log events in a single PutLogEvents request must be in chronological order.");
    }
  }
  if (events.back().timestamp - events.front().timestamp > kMostSpanMs) {
    return errors::invalid_parameter(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 "
        "hours.");
  }
  return {};
}

}  // namespace

// Sequence tokens are accepted and not looked at, as on AWS since 2023.
task<Result<PutLogEventsResponse>> put_log_events(Logs& logs, const RequestContext& ctx,
                                                  PutLogEventsRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name));
  LF_CO_OK(find_stream(logs, group, in.log_stream_name));
  LF_CO_OK(check_batch(in.log_events));

  // The batch is in order, so what is refused lies at its ends.
  const std::int64_t oldest_ms = to_unix_ms(ctx.now - kTooOld);
  const std::int64_t newest_ms = to_unix_ms(ctx.now + kTooNew);
  const std::int64_t kept_ms = retention_cutoff_ms(group.value, ctx.now);
  std::size_t too_old = 0;
  std::size_t expired = 0;
  std::size_t end = 0;
  for (const InputLogEvent& event : in.log_events) {
    if (event.timestamp < oldest_ms) ++too_old;
    if (event.timestamp < kept_ms) ++expired;
    if (event.timestamp <= newest_ms) ++end;
  }
  const std::size_t begin = std::max(too_old, expired);

  PutLogEventsResponse out;
  if (begin != 0 || end != in.log_events.size()) {
    auto& rejected = out.rejected_log_events_info.emplace();
    if (too_old != 0) rejected.too_old_log_event_end_index = static_cast<std::int32_t>(too_old);
    if (expired != 0) rejected.expired_log_event_end_index = static_cast<std::int32_t>(expired);
    if (end != in.log_events.size()) {
      rejected.too_new_log_event_start_index = static_cast<std::int32_t>(end);
    }
  }
  if (begin < end) {
    AppendRequest request;
    request.group = group.value.id;
    request.stream = in.log_stream_name;
    for (std::size_t i = begin; i < end; ++i) {
      request.events.push_back({in.log_events[i].timestamp, std::move(in.log_events[i].message)});
    }
    std::vector<LogEvent> watched;
    if (is_watched(logs, group.value, request.stream)) watched = request.events;
    auto appended = co_await logs.engine.append(std::move(request));
    if (!appended && appended.error().code == "not-found") {
      co_return errors::resource_not_found("The specified log stream does not exist.");
    }
    if (!appended) co_return std::unexpected(to_api(appended.error()));
    co_await watch_events(logs, ctx.scope, group.value, in.log_stream_name, std::move(watched));
  }
  out.next_sequence_token = Position{to_unix_ms(ctx.now), 0, 0}.str();
  co_return out;
}

}  // namespace landfall::logs
