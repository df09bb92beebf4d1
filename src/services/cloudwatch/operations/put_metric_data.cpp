#include <cmath>

#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
constexpr std::size_t kMostData = 1000;
constexpr std::size_t kMostValues = 150;
constexpr Millis kTooOld = std::chrono::hours(14 * 24);
constexpr Millis kTooNew = std::chrono::hours(2);

struct Where {
  std::size_t index;
  std::string operator()(std::string_view member) const {
    return fmt::format("MetricData.member.{}.{}", index, member);
  }
};

Result<void> check_number(double value, const std::string& parameter) {
  static const double kMost = std::exp2(360);
  if (std::isfinite(value) && std::abs(value) <= kMost) return {};
  return errors::invalid_parameter_value(
      fmt::format("The value {} for parameter {} is invalid.", value, parameter));
}

Result<void> check_time(TimePoint time, TimePoint now, const Where& where) {
  if (time > now + kTooNew) {
    return errors::invalid_parameter_value(
        fmt::format("The parameter {} must specify a time no more than two hours in the future.",
                    where("Timestamp")));
  }
  if (time < now - kTooOld) {
    return errors::invalid_parameter_value(fmt::format(
        "The parameter {} must specify a time within the past two weeks.", where("Timestamp")));
  }
  return {};
}

Result<void> read_values(const MetricDatum& datum, Sample& out, const Where& where) {
  if (datum.values.empty())
    return errors::missing_required_parameter(
        fmt::format("The parameter {} is required.", where("Values")));
  if (datum.values.size() > kMostValues) {
    return errors::invalid_parameter_value(fmt::format(
        "The collection {} must not have a size greater than {}.", where("Values"), kMostValues));
  }
  if (datum.counts.given() && datum.counts.size() != datum.values.size()) {
    return errors::invalid_parameter_value(fmt::format(
        "The parameters {} and {} must be of the same size.", where("Values"), where("Counts")));
  }
  for (std::size_t i = 0; i < datum.values.size(); ++i) {
    const double count = datum.counts.given() ? datum.counts[i] : 1;
    LF_OK(check_number(datum.values[i], where(fmt::format("Values.member.{}", i + 1))));
    LF_OK(check_number(count, where(fmt::format("Counts.member.{}", i + 1))));
    if (count < 0)
      return errors::invalid_parameter_value(
          fmt::format("The value {} for parameter {} is invalid.", count, where("Counts")));
    out.values.emplace_back(datum.values[i], count);
  }
  return {};
}

Result<void> read_statistics(const StatisticSet& set, Sample& out, const Where& where) {
  const auto name = [&](std::string_view member) {
    return where(fmt::format("StatisticValues.{}", member));
  };
  LF_OK(check_number(set.sample_count, name("SampleCount")));
  LF_OK(check_number(set.sum, name("Sum")));
  LF_OK(check_number(set.minimum, name("Minimum")));
  LF_OK(check_number(set.maximum, name("Maximum")));
  if (set.sample_count <= 0) {
    return errors::invalid_parameter_value(
        fmt::format("The parameter {} must be greater than 0.", name("SampleCount")));
  }
  if (set.minimum > set.maximum) {
    return errors::invalid_parameter_value(fmt::format(
        "The parameter {} must not be greater than {}.", name("Minimum"), name("Maximum")));
  }
  out.summary = Summary{.sample_count = set.sample_count,
                        .sum = set.sum,
                        .minimum = set.minimum,
                        .maximum = set.maximum};
  return {};
}

Result<Sample> read_datum(const std::string& space, const MetricDatum& datum, TimePoint now,
                          const Where& where) {
  Sample out;
  LF_TRY(metric, read_metric(space, datum.metric_name, datum.dimensions));
  out.metric = std::move(metric);
  const int forms = int(datum.value.has_value()) + int(datum.statistic_values.has_value()) +
                    int(datum.values.given());
  if (forms == 0) {
    return errors::missing_required_parameter(
        fmt::format("At least one of the parameters {}, {} and {} must be specified.",
                    where("Value"), where("Values"), where("StatisticValues")));
  }
  if (forms > 1) {
    return errors::invalid_parameter_combination(
        fmt::format("The parameters {}, {} and {} are mutually exclusive and you have specified "
                    "more than one.",
                    where("Value"), where("Values"), where("StatisticValues")));
  }
  if (datum.value) {
    LF_OK(check_number(*datum.value, where("Value")));
    out.values.emplace_back(*datum.value, 1);
  } else if (datum.statistic_values) {
    LF_OK(read_statistics(*datum.statistic_values, out, where));
  } else {
    LF_OK(read_values(datum, out, where));
  }
  const std::int32_t resolution = datum.storage_resolution.value_or(60);
  if (resolution != 1 && resolution != 60) {
    return errors::invalid_parameter_value(
        fmt::format("The value {} for parameter {} is invalid. Valid values are 1 and 60.",
                    resolution, where("StorageResolution")));
  }
  out.high_resolution = resolution == 1;
  out.unit = datum.unit.value_or("None");
  out.time = datum.timestamp.value_or(now);
  LF_OK(check_time(out.time, now, where));
  return out;
}

}  // namespace

task<Result<PutMetricDataResponse>> put_metric_data(Cloudwatch& cloudwatch,
                                                    const RequestContext& ctx,
                                                    PutMetricDataRequest in) {
  if (in.namespace_.starts_with("AWS/")) {
    co_return errors::invalid_parameter_value(
        fmt::format("The value {} for parameter Namespace is invalid.", in.namespace_));
  }
  if (!in.entity_metric_data.empty()) {
    co_return errors::invalid_parameter_value("EntityMetricData is not served here.");
  }
  if (in.metric_data.empty())
    co_return errors::missing_required_parameter("The parameter MetricData is required.");
  if (in.metric_data.size() > kMostData) {
    co_return errors::invalid_parameter_value(
        fmt::format("The collection MetricData must not have a size greater than {}.", kMostData));
  }
  std::vector<Sample> samples;
  samples.reserve(in.metric_data.size());
  for (const MetricDatum& datum : in.metric_data) {
    LF_CO_TRY(sample, read_datum(in.namespace_, datum, ctx.now, Where{samples.size() + 1}));
    samples.push_back(std::move(sample));
  }
  auto written = co_await cloudwatch.metrics.put(ctx.scope, std::move(samples));
  if (!written) co_return std::unexpected(to_api(std::move(written.error())));
  co_return PutMetricDataResponse{};
}

}  // namespace landfall::cloudwatch
