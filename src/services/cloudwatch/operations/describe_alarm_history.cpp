#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kPage = 100;
constexpr std::string_view kPages = "alarm-history";

bool passes(const DescribeAlarmHistoryRequest& in, const HistoryRecord& item) {
  if (in.history_item_type && *in.history_item_type != item.type) return false;
  if (in.start_date && item.time < *in.start_date) return false;
  if (in.end_date && item.time > *in.end_date) return false;
  const std::string_view type = item.composite ? "CompositeAlarm" : "MetricAlarm";
  if (in.alarm_types.empty()) return in.alarm_name.has_value() || !item.composite;
  return std::ranges::find(in.alarm_types, type) != in.alarm_types.end();
}

// "NAME/TIME-RANDOM": what orders items of several alarms.
std::string_view time_of(const std::string& id) {
  return std::string_view(id).substr(id.rfind('/') + 1);
}

}  // namespace

task<Result<DescribeAlarmHistoryResponse>> describe_alarm_history(Cloudwatch& cloudwatch,
                                                                  const RequestContext& ctx,
                                                                  DescribeAlarmHistoryRequest in) {
  LF_CO_TRY(after, read_page(kPages, in.next_token));
  auto found = cloudwatch.history(ctx.scope).list(in.alarm_name ? alarm_id(*in.alarm_name) + "/"
                                                                : std::string());
  std::erase_if(found, [&](const auto& row) { return !passes(in, row.value); });
  std::ranges::sort(found, {}, [](const auto& row) { return time_of(row.id); });
  if (in.scan_by != "TimestampAscending") std::ranges::reverse(found);
  if (!after.empty()) {
    const bool ascending = in.scan_by == "TimestampAscending";
    std::erase_if(found, [&](const auto& row) {
      return ascending ? time_of(row.id) <= time_of(after) : time_of(row.id) >= time_of(after);
    });
  }
  DescribeAlarmHistoryResponse out;
  out.next_token = store::cut_page(
      found, std::size_t(in.max_records.value_or(kPage)), [](const auto& row) { return row.id; },
      kPages);
  out.alarm_history_items.present = true;
  for (const auto& row : found) {
    const HistoryRecord& item = row.value;
    out.alarm_history_items.push_back(
        {.alarm_name = item.alarm,
         .alarm_type = item.composite ? "CompositeAlarm" : "MetricAlarm",
         .timestamp = item.time,
         .history_item_type = item.type,
         .history_summary = item.summary,
         .history_data = item.data});
  }
  co_return out;
}

}  // namespace landfall::cloudwatch
