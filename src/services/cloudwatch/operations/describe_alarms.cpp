// operations: DescribeAlarms, DescribeAlarmsForMetric
#include "base/bytes.h"
#include "services/cloudwatch/alarms/rule.h"
#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kPage = 50;
constexpr std::string_view kPages = "alarms";

bool has_action(const AlarmRecord& alarm, const std::string& prefix) {
  for (const auto* actions :
       {&alarm.ok_actions, &alarm.alarm_actions, &alarm.insufficient_data_actions}) {
    for (const std::string& action : *actions) {
      if (action.starts_with(prefix)) return true;
    }
  }
  return false;
}

std::set<std::string> children_of(const Scope& scope, const AlarmRecord& alarm) {
  std::set<std::string> out;
  const auto rule = AlarmRule::parse(alarm.rule);
  if (!alarm.composite || !rule) return out;
  for (const std::string& reference : rule->alarms()) out.insert(alarm_name_of(scope, reference));
  return out;
}

Result<void> check(const DescribeAlarmsRequest& in) {
  if (!in.alarm_names.empty() && in.alarm_name_prefix)
    return invalid("AlarmNames and AlarmNamePrefix are mutually exclusive.");
  const int relations =
      int(in.children_of_alarm_name.has_value()) + int(in.parents_of_alarm_name.has_value());
  if (relations > 1) {
    return invalid(
        "The parameters ChildrenOfAlarmName and ParentsOfAlarmName are mutually exclusive.");
  }
  if (relations == 1 &&
      (!in.alarm_names.empty() || in.alarm_name_prefix || in.state_value || in.action_prefix)) {
    return invalid(
        "ChildrenOfAlarmName and ParentsOfAlarmName can be combined with MaxRecords and NextToken "
        "only.");
  }
  for (const std::string& type : in.alarm_types) {
    if (type != "MetricAlarm" && type != "CompositeAlarm")
      return invalid(fmt::format("The alarm type {} is not supported.", type));
  }
  return {};
}

bool passes(const DescribeAlarmsRequest& in, const Scope& scope, const AlarmRecord& alarm,
            const std::set<std::string>& children) {
  if (!in.alarm_names.empty() &&
      std::ranges::find(in.alarm_names, alarm.name) == in.alarm_names.end()) {
    return false;
  }
  if (in.alarm_name_prefix && !alarm.name.starts_with(*in.alarm_name_prefix)) return false;
  if (in.state_value && *in.state_value != to_text(alarm.state)) return false;
  if (in.action_prefix && !has_action(alarm, *in.action_prefix)) return false;
  if (in.children_of_alarm_name) return children.contains(alarm.name);
  if (in.parents_of_alarm_name)
    return children_of(scope, alarm).contains(*in.parents_of_alarm_name);
  // Without types asked for, AWS gives metric alarms only.
  const std::string_view type = alarm.composite ? "CompositeAlarm" : "MetricAlarm";
  if (in.alarm_types.empty()) return !alarm.composite;
  return std::ranges::find(in.alarm_types, type) != in.alarm_types.end();
}

bool watches(const DescribeAlarmsForMetricRequest& in, const AlarmRecord& alarm,
             const MetricKey& metric) {
  if (alarm.composite) return false;
  if (!alarm.queries.empty()) {
    return std::ranges::any_of(alarm.queries, [&](const MetricDataQuery& query) {
      return query.metric_stat && key_of(query.metric_stat->metric.namespace_.value_or(""),
                                         query.metric_stat->metric.metric_name.value_or(""),
                                         query.metric_stat->metric.dimensions) == metric;
    });
  }
  return alarm.metric == metric && (!in.statistic || *in.statistic == alarm.statistic) &&
         (!in.extended_statistic || *in.extended_statistic == alarm.extended_statistic) &&
         (!in.period || *in.period == alarm.period_s) && (!in.unit || *in.unit == alarm.unit);
}

}  // namespace

task<Result<DescribeAlarmsResponse>> describe_alarms(Cloudwatch& cloudwatch,
                                                     const RequestContext& ctx,
                                                     DescribeAlarmsRequest in) {
  LF_CO_OK(check(in));
  LF_CO_TRY(after, read_page(kPages, in.next_token));
  std::set<std::string> children;
  if (in.children_of_alarm_name) {
    const auto parent = cloudwatch.find_alarm(ctx.scope, *in.children_of_alarm_name);
    if (parent) children = children_of(ctx.scope, parent->value);
  }
  std::vector<AlarmRow> found;
  const std::string below = in.alarm_name_prefix ? alarm_id(*in.alarm_name_prefix) : "";
  for (AlarmRow& row : cloudwatch.alarms(ctx.scope).list(below, after)) {
    if (passes(in, ctx.scope, row.value, children)) found.push_back(std::move(row));
  }
  DescribeAlarmsResponse out;
  out.next_token = store::cut_page(
      found, std::size_t(in.max_records.value_or(kPage)), [](const auto& row) { return row.id; },
      kPages);
  out.metric_alarms.present = out.composite_alarms.present = true;
  for (const AlarmRow& row : found) {
    if (row.value.composite) {
      out.composite_alarms.push_back(to_composite_alarm(ctx.scope, row.value));
    } else {
      out.metric_alarms.push_back(to_metric_alarm(ctx.scope, row.value));
    }
  }
  co_return out;
}

task<Result<DescribeAlarmsForMetricResponse>> describe_alarms_for_metric(
    Cloudwatch& cloudwatch, const RequestContext& ctx, DescribeAlarmsForMetricRequest in) {
  LF_CO_TRY(metric, read_metric(in.namespace_, in.metric_name, in.dimensions));
  DescribeAlarmsForMetricResponse out;
  out.metric_alarms.present = true;
  for (const AlarmRow& row : cloudwatch.alarms(ctx.scope).list()) {
    if (watches(in, row.value, metric))
      out.metric_alarms.push_back(to_metric_alarm(ctx.scope, row.value));
  }
  co_return out;
}

}  // namespace landfall::cloudwatch
