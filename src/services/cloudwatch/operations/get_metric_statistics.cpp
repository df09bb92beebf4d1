#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::int64_t kMostDatapoints = 1440;
constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kDay = 24 * 3600;

// How old the start is decides how fine the answer can be, and where periods begin.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html
std::int64_t granularity(std::int64_t age_s, std::int64_t period_s) {
  if (age_s > 63 * kDay) return 3600;
  if (age_s > 15 * kDay) return 300;
  return period_s < kMinute ? period_s : kMinute;
}

Result<void> check(const GetMetricStatisticsRequest& in) {
  if (in.statistics.empty() && in.extended_statistics.empty()) {
    return errors::missing_required_parameter(
        "At least one of the parameters Statistics and ExtendedStatistics must be specified.");
  }
  if (!in.statistics.empty() && !in.extended_statistics.empty()) {
    return errors::invalid_parameter_combination(
        "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have "
        "specified both.");
  }
  if (in.start_time >= in.end_time) {
    return errors::invalid_parameter_value(
        "The parameter StartTime must be less than the parameter EndTime.");
  }
  if (!valid_period(in.period)) {
    return errors::invalid_parameter_value(
        "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  }
  for (const std::string& name : in.extended_statistics) {
    const auto statistic = Statistic::parse(name);
    if (!statistic || statistic->simple()) {
      return errors::invalid_parameter_value(
          fmt::format("The value {} for parameter ExtendedStatistics is not supported.", name));
    }
  }
  return {};
}

Datapoint to_datapoint(const GetMetricStatisticsRequest& in, const Bucket& bucket,
                       std::int64_t time_s, const std::string& unit) {
  Datapoint out;
  out.timestamp = from_unix_ms(time_s * 1000);
  out.unit = unit;
  for (const std::string& name : in.statistics) {
    const auto value = Statistic::parse(name)->of(bucket);
    if (name == "SampleCount") out.sample_count = value;
    if (name == "Average") out.average = value;
    if (name == "Sum") out.sum = value;
    if (name == "Minimum") out.minimum = value;
    if (name == "Maximum") out.maximum = value;
  }
  for (const std::string& name : in.extended_statistics) {
    if (const auto value = Statistic::parse(name)->of(bucket))
      out.extended_statistics[name] = *value;
  }
  return out;
}

}  // namespace

task<Result<GetMetricStatisticsResponse>> get_metric_statistics(Cloudwatch& cloudwatch,
                                                                const RequestContext& ctx,
                                                                GetMetricStatisticsRequest in) {
  LF_CO_OK(check(in));
  LF_CO_TRY(metric, read_metric(in.namespace_, in.metric_name, in.dimensions));
  const std::int64_t start_s = to_unix_ms(in.start_time) / 1000;
  const std::int64_t end_s = (to_unix_ms(in.end_time) + 999) / 1000;
  const std::int64_t grain_s = granularity(to_unix_ms(ctx.now) / 1000 - start_s, in.period);
  if (in.period % grain_s != 0) {
    co_return errors::invalid_parameter_value(fmt::format(
        "Data of that age is kept by {} seconds: the parameter Period must be a multiple of it.",
        grain_s));
  }
  const std::int64_t from_s = start_s - start_s % grain_s;
  const std::int64_t count = (end_s - from_s + in.period - 1) / in.period;
  if (count > kMostDatapoints) {
    co_return errors::invalid_parameter_combination(fmt::format(
        "You have requested up to {} datapoints, which exceeds the limit of {}. You may reduce the "
        "datapoints requested by increasing Period, or decreasing the time range.",
        count, kMostDatapoints));
  }
  GetMetricStatisticsResponse out;
  out.label = in.metric_name;
  out.datapoints.present = true;
  const auto units = in.unit ? std::vector{*in.unit} : cloudwatch.metrics.units(ctx.scope, metric);
  for (const std::string& unit : units) {
    std::int64_t time_s = from_s;
    for (const Bucket& bucket : cloudwatch.metrics.read(ctx.scope, metric, unit,
                                                        {from_s, in.period, std::size_t(count)})) {
      if (!bucket.empty()) {
        Datapoint point = to_datapoint(in, bucket, time_s, unit);
        // Statistic sets have no percentiles: such a period has no datapoint.
        if (!in.statistics.empty() || !point.extended_statistics.empty())
          out.datapoints.push_back(std::move(point));
      }
      time_s += in.period;
    }
  }
  co_return out;
}

}  // namespace landfall::cloudwatch
