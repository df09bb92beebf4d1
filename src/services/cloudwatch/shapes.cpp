#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

template <class Shape>
void fill(Shape& out, const Scope& scope, const AlarmRecord& alarm) {
  out.alarm_name = alarm.name;
  out.alarm_arn = alarm_arn(scope, alarm.name);
  out.alarm_description = given(alarm.description);
  out.alarm_configuration_updated_timestamp = alarm.configured;
  out.actions_enabled = alarm.actions_enabled;
  out.ok_actions = wire::List<std::string>(alarm.ok_actions);
  out.alarm_actions = wire::List<std::string>(alarm.alarm_actions);
  out.insufficient_data_actions = wire::List<std::string>(alarm.insufficient_data_actions);
  out.state_value = std::string(to_text(alarm.state));
  out.state_reason = alarm.reason;
  out.state_reason_data = given(alarm.reason_data);
  out.state_updated_timestamp = alarm.updated;
  out.state_transitioned_timestamp = alarm.transitioned;
}

}  // namespace

wire::List<Dimension> to_dimensions(const std::map<std::string, std::string>& dimensions) {
  wire::List<Dimension> out;
  out.present = true;
  for (const auto& [name, value] : dimensions) out.push_back({.name = name, .value = value});
  return out;
}

MetricAlarm to_metric_alarm(const Scope& scope, const AlarmRecord& alarm) {
  MetricAlarm out;
  fill(out, scope, alarm);
  if (alarm.queries.empty()) {
    out.metric_name = alarm.metric.name;
    out.namespace_ = alarm.metric.space;
    out.statistic = given(alarm.statistic);
    out.extended_statistic = given(alarm.extended_statistic);
    out.dimensions = to_dimensions(alarm.metric.dimensions);
    out.period = alarm.period_s;
    out.unit = given(alarm.unit);
  } else {
    for (const MetricDataQuery& query : alarm.queries) {
      out.metrics.push_back(query);
      if (!out.metrics.back().return_data) out.metrics.back().return_data = true;
    }
  }
  out.evaluation_periods = alarm.evaluation_periods;
  if (alarm.datapoints_to_alarm) out.datapoints_to_alarm = alarm.datapoints_to_alarm;
  out.threshold = alarm.threshold;
  out.comparison_operator = alarm.comparison;
  out.treat_missing_data = given(alarm.treat_missing_data);
  out.evaluate_low_sample_count_percentile = given(alarm.low_sample_handling);
  return out;
}

CompositeAlarm to_composite_alarm(const Scope& scope, const AlarmRecord& alarm) {
  CompositeAlarm out;
  fill(out, scope, alarm);
  out.alarm_rule = alarm.rule;
  return out;
}

Result<MetricKey> read_metric(const std::string& space, const std::string& name,
                              const wire::List<Dimension>& dimensions) {
  MetricKey out = key_of(space, name, dimensions);
  if (out.dimensions.size() != dimensions.size())
    return errors::invalid_parameter_value(
        "Each dimension of a metric must have a name of its own.");
  return out;
}

Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token) {
  auto after = store::read_page_token(list, token);
  if (!after) return errors::invalid_next_token("The service was unable to process the NextToken.");
  return after;
}

Result<std::map<std::string, std::string>> read_tags(const wire::List<Tag>& tags) {
  std::map<std::string, std::string> out;
  for (const Tag& tag : tags) {
    if (tag.key.starts_with("aws:"))
      return errors::invalid_parameter_value("Tag keys must not start with aws:.");
    if (!out.emplace(tag.key, tag.value).second)
      return errors::invalid_parameter_value(fmt::format("The tag key {} comes twice.", tag.key));
  }
  if (out.size() > 50) return errors::invalid_parameter_value("A resource has at most 50 tags.");
  return out;
}

}  // namespace landfall::cloudwatch
