// operations: PutMetricAlarm, PutCompositeAlarm
#include "services/cloudwatch/alarms/configure.h"
#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

template <class In>
Result<AlarmRecord> read_common(const In& in) {
  AlarmRecord out;
  out.name = in.alarm_name;
  if (std::ranges::any_of(out.name, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return invalid("AlarmName must not contain control characters.");
  out.description = in.alarm_description.value_or("");
  out.actions_enabled = in.actions_enabled.value_or(true);
  out.ok_actions = in.ok_actions;
  out.alarm_actions = in.alarm_actions;
  out.insufficient_data_actions = in.insufficient_data_actions;
  auto tags = read_tags(in.tags);
  if (!tags) return invalid(std::move(tags.error().message));
  out.tags = std::move(*tags);
  return out;
}

}  // namespace

task<Result<PutMetricAlarmResponse>> put_metric_alarm(Cloudwatch& cloudwatch,
                                                      const RequestContext& ctx,
                                                      PutMetricAlarmRequest in) {
  if (in.threshold_metric_id || in.evaluation_criteria || in.evaluation_interval) {
    co_return invalid(
        "ThresholdMetricId (anomaly detection) and EvaluationCriteria (PromQL) are not served "
        "here.");
  }
  LF_CO_TRY(alarm, read_common(in));
  if (!in.threshold) co_return invalid("Threshold is required.");
  LF_CO_TRY(metric,
            read_metric(in.namespace_.value_or(""), in.metric_name.value_or(""), in.dimensions));
  alarm.metric = std::move(metric);
  alarm.statistic = in.statistic.value_or("");
  alarm.extended_statistic = in.extended_statistic.value_or("");
  alarm.unit = in.unit.value_or("");
  alarm.period_s = in.period.value_or(0);
  alarm.queries = in.metrics;
  alarm.evaluation_periods = in.evaluation_periods.value_or(0);
  alarm.datapoints_to_alarm = in.datapoints_to_alarm.value_or(0);
  alarm.threshold = *in.threshold;
  alarm.comparison = in.comparison_operator.value_or("");
  alarm.treat_missing_data = in.treat_missing_data.value_or("");
  alarm.low_sample_handling = in.evaluate_low_sample_count_percentile.value_or("");
  if (!alarm.queries.empty()) {
    if (in.period) co_return invalid("Period must not be set together with Metrics.");
    LF_CO_TRY(queries, MetricQueries::prepare(ctx.scope, alarm.queries, "Metrics"));
    alarm.period_s = std::int32_t(queries.longest_period_s());
  }
  LF_CO_OK(check_alarm(cloudwatch, ctx.scope, alarm));
  LF_CO_OK(co_await write_alarm(cloudwatch, ctx.scope, std::move(alarm), ctx.now));
  co_return PutMetricAlarmResponse{};
}

task<Result<PutCompositeAlarmResponse>> put_composite_alarm(Cloudwatch& cloudwatch,
                                                            const RequestContext& ctx,
                                                            PutCompositeAlarmRequest in) {
  if (in.actions_suppressor || in.actions_suppressor_wait_period ||
      in.actions_suppressor_extension_period) {
    co_return invalid("ActionsSuppressor is not served here.");
  }
  LF_CO_TRY(alarm, read_common(in));
  alarm.composite = true;
  alarm.rule = in.alarm_rule;
  LF_CO_OK(check_alarm(cloudwatch, ctx.scope, alarm));
  LF_CO_OK(co_await write_alarm(cloudwatch, ctx.scope, std::move(alarm), ctx.now));
  co_return PutCompositeAlarmResponse{};
}

}  // namespace landfall::cloudwatch
