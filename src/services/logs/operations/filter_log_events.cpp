#include "services/logs/pattern/pattern.h"
#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

Result<Query> to_query(const Logs& logs, const RequestContext& ctx, const GroupRow& group,
                       const FilterLogEventsRequest& in) {
  if (!in.log_stream_names.empty() && in.log_stream_name_prefix) {
    return errors::invalid_parameter(
        "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.");
  }
  if (in.start_time && in.end_time && *in.start_time > *in.end_time) {
    return errors::invalid_parameter("startTime must be less than or equal to endTime.");
  }
  Query query;
  query.group = group.value.id;
  for (const std::string& stream : in.log_stream_names) {
    LF_OK(find_stream(logs, group, stream));
    if (std::find(query.streams.begin(), query.streams.end(), stream) == query.streams.end()) {
      query.streams.push_back(stream);
    }
  }
  query.prefix = in.log_stream_name_prefix.value_or("");
  query.from_ms = std::max(in.start_time.value_or(0), retention_cutoff_ms(group.value, ctx.now));
  // Inclusive here, other than for GetLogEvents.
  if (in.end_time && *in.end_time < query.to_ms) query.to_ms = *in.end_time + 1;
  if (in.limit) query.limit = static_cast<std::size_t>(*in.limit);
  if (in.filter_pattern && !in.filter_pattern->empty()) {
    auto pattern = Pattern::parse(*in.filter_pattern);
    if (!pattern) return errors::invalid_parameter(pattern.error().message);
    query.pattern = std::move(*pattern);
  }
  return query;
}

// A token goes on with the question it was given for.
std::string list_name(const GroupRow& group, const FilterLogEventsRequest& in) {
  return fmt::format("log-events {} {} {} {} {} {}", group.value.id, in.start_time.value_or(0),
                     in.end_time.value_or(-1), in.filter_pattern.value_or(""),
                     in.log_stream_name_prefix.value_or(""), fmt::join(in.log_stream_names, ","));
}

}  // namespace

// Events of all streams in order of time, whatever `interleaved` says, as AWS answers since 2019.
task<Result<FilterLogEventsResponse>> filter_log_events(Logs& logs, const RequestContext& ctx,
                                                        FilterLogEventsRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name, in.log_group_identifier));
  LF_CO_TRY(query, to_query(logs, ctx, group, in));
  const std::string list = list_name(group, in);
  if (in.next_token) {
    auto token = store::read_page_token(list, *in.next_token);
    Position position;
    if (!token || !Position::parse(*token, position)) {
      co_return errors::invalid_parameter("The specified nextToken is invalid.");
    }
    query.after = position;
  }
  auto page = co_await logs.engine.search(std::move(query));
  if (!page) co_return std::unexpected(to_api(page.error()));

  FilterLogEventsResponse out;
  for (Found& found : page->events) {
    FilteredLogEvent event;
    event.log_stream_name = std::move(found.stream);
    event.timestamp = found.position.time_ms;
    event.message = std::move(found.message);
    event.ingestion_time = found.ingestion_ms;
    event.event_id = found.position.str();
    out.events.push_back(std::move(event));
  }
  if (page->more) out.next_token = store::make_page_token(list, page->more->str());
  co_return out;
}

}  // namespace landfall::logs
