#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kMostQueries = 500;
constexpr std::int32_t kMostDatapoints = 100'800;
constexpr std::string_view kPages = "metric-data";

// "3/120": go on with the fourth result, after 120 of its datapoints.
Result<std::pair<std::size_t, std::size_t>> read_place(const std::optional<std::string>& token) {
  LF_TRY(text, read_page(kPages, token));
  if (text.empty()) return std::pair<std::size_t, std::size_t>();
  std::size_t result = 0, point = 0;
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return errors::invalid_next_token("The NextToken is not valid.");
  std::from_chars(text.data(), text.data() + slash, result);
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), point);
  return std::pair(result, point);
}

}  // namespace

task<Result<GetMetricDataResponse>> get_metric_data(Cloudwatch& cloudwatch,
                                                    const RequestContext& ctx,
                                                    GetMetricDataRequest in) {
  if (in.metric_data_queries.empty()) co_return invalid("MetricDataQueries must not be empty.");
  if (in.metric_data_queries.size() > kMostQueries) {
    co_return invalid(fmt::format(
        "The collection MetricDataQueries must not have a size greater than {}.", kMostQueries));
  }
  if (in.start_time >= in.end_time)
    co_return invalid("The parameter StartTime must be less than the parameter EndTime.");
  const std::int32_t most = in.max_datapoints.value_or(kMostDatapoints);
  if (most < 1 || most > kMostDatapoints)
    co_return invalid(fmt::format("MaxDatapoints must be between 1 and {}.", kMostDatapoints));
  LF_CO_TRY(place, read_place(in.next_token));
  LF_CO_TRY(queries, MetricQueries::prepare(ctx.scope, std::move(in.metric_data_queries),
                                            "MetricDataQueries"));
  LF_CO_TRY(results, queries.run(cloudwatch.metrics, to_unix_ms(in.start_time) / 1000,
                                 (to_unix_ms(in.end_time) + 999) / 1000));
  const bool ascending = in.scan_by == "TimestampAscending";
  GetMetricDataResponse out;
  out.metric_data_results.present = out.messages.present = true;
  std::size_t room = std::size_t(most);
  for (std::size_t i = place.first; i < results.size(); ++i) {
    auto& points = results[i].series.points;
    if (!ascending) std::ranges::reverse(points);
    const std::size_t begin = i == place.first ? std::min(place.second, points.size()) : 0;
    const std::size_t end = std::min(points.size(), begin + room);
    MetricDataResult& result = out.metric_data_results.emplace_back();
    result.id = results[i].id;
    result.label = results[i].series.label;
    result.timestamps.present = result.values.present = true;
    for (std::size_t at = begin; at < end; ++at) {
      result.timestamps.push_back(from_unix_ms(points[at].time_s * 1000));
      result.values.push_back(points[at].value);
    }
    room -= end - begin;
    result.status_code = end < points.size() ? "PartialData" : "Complete";
    if (end < points.size()) {
      out.next_token = store::make_page_token(kPages, fmt::format("{}/{}", i, end));
      break;
    }
  }
  co_return out;
}

}  // namespace landfall::cloudwatch
