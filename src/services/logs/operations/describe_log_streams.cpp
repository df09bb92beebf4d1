#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

constexpr std::int32_t kMostAPage = 50;

struct Item {
  std::string order;  // what the list is sorted by, unique
  const std::string* name;
  const Stream* stream;
};

LogStream describe(const std::string& group_arn, const std::string& name, const Stream& stream) {
  LogStream out;
  out.log_stream_name = name;
  out.creation_time = stream.created_ms;
  if (stream.has_events()) {
    out.first_event_timestamp = stream.first_event_ms;
    out.last_event_timestamp = stream.last_event_ms;
    out.last_ingestion_time = stream.last_ingestion_ms;
  }
  out.upload_sequence_token = Position{stream.last_ingestion_ms, 0, 0}.str();
  out.arn = fmt::format("{}:log-stream:{}", group_arn, name);
  out.stored_bytes = 0;  // as AWS answers for every stream since June 2019
  return out;
}

}  // namespace

task<Result<DescribeLogStreamsResponse>> describe_log_streams(Logs& logs, const RequestContext& ctx,
                                                              DescribeLogStreamsRequest in) {
  const bool by_time = in.order_by.value_or("LogStreamName") == "LastEventTime";
  const bool descending = in.descending.value_or(false);
  if (by_time && in.log_stream_name_prefix) {
    co_return errors::invalid_parameter(
        "Cannot order by LastEventTime with a logStreamNamePrefix.");
  }
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name, in.log_group_identifier));
  const std::string list = fmt::format("log-streams {} {} {} {}", group.value.id, by_time,
                                       descending, in.log_stream_name_prefix.value_or(""));
  auto after = store::read_page_token(list, in.next_token);
  if (!after) co_return errors::invalid_parameter(after.error().message);

  const std::string prefix = in.log_stream_name_prefix.value_or("");
  const Streams& all = logs.engine.streams(group.value.id);
  std::vector<Item> items;
  for (auto it = all.lower_bound(prefix); it != all.end() && it->first.starts_with(prefix); ++it) {
    std::string order = it->first;
    if (by_time) {
      order = fmt::format("{:015} {}", it->second.has_events() ? it->second.last_event_ms : 0,
                          it->first);
    }
    if (in.next_token && (descending ? order >= *after : order <= *after)) continue;
    items.push_back({std::move(order), &it->first, &it->second});
  }
  std::sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return descending ? a.order > b.order : a.order < b.order;
  });
  DescribeLogStreamsResponse out;
  out.next_token = store::cut_page(
      items, static_cast<std::size_t>(in.limit.value_or(kMostAPage)),
      [](const Item& item) { return item.order; }, list);
  const std::string arn = group_arn(ctx.scope, group.value.name);
  for (const Item& item : items) {
    out.log_streams.push_back(describe(arn, *item.name, *item.stream));
  }
  co_return out;
}

}  // namespace landfall::logs
