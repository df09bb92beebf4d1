#include "services/cloudwatch/alarms/points.h"

#include "services/cloudwatch/queries.h"

namespace landfall::cloudwatch {

Result<std::vector<Evaluated>> points_of(const Cloudwatch& cloudwatch, const Scope& scope,
                                         const AlarmRecord& alarm, std::int64_t end_s,
                                         double& samples) {
  const auto count = std::size_t(alarm.evaluation_periods + kExtraPeriods);
  const Window window{.from_s = end_s - std::int64_t(count) * alarm.period_s,
                      .period_s = alarm.period_s,
                      .count = count};
  std::vector<Evaluated> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({from_unix_ms((window.from_s + std::int64_t(i) * window.period_s) * 1000), {}});
  if (alarm.queries.empty()) {
    const auto statistic =
        Statistic::parse(alarm.statistic.empty() ? alarm.extended_statistic : alarm.statistic);
    if (!statistic) return fail("alarm", "the statistic is not known");
    const auto buckets = cloudwatch.metrics.read(scope, alarm.metric, alarm.unit, window);
    for (std::size_t i = 0; i < count; ++i) {
      out[i].value = statistic->of(buckets[i]);
      if (i >= std::size_t(kExtraPeriods)) samples += buckets[i].count;
    }
    return out;
  }
  LF_TRY(queries, MetricQueries::prepare(scope, alarm.queries, "Metrics"));
  LF_TRY(results, queries.run(cloudwatch.metrics, window.from_s, end_s));
  if (results.empty()) return out;
  for (const auto& point : results[0].series.points) {
    const std::int64_t index = (point.time_s - window.from_s) / window.period_s;
    if (index >= 0 && std::size_t(index) < count) out[std::size_t(index)].value = point.value;
  }
  return out;
}

}  // namespace landfall::cloudwatch
