#include "services/cloudwatch/alarms/wording.h"

#include <fmt/format.h>

#include <cmath>
#include <ctime>

#include "services/cloudwatch/service.h"
#include "wire/json.h"

namespace landfall::cloudwatch {
namespace {

std::string formatted(TimePoint time, const char* form) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, form, &parts));
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::array texts(const std::vector<std::string>& items) {
  json::array out;
  for (const std::string& item : items) out.push_back(json::value(item));
  return out;
}

json::array dimensions_of(const std::map<std::string, std::string>& dimensions) {
  json::array out;
  for (const auto& [name, value] : dimensions)
    out.push_back(json::object{{"value", value}, {"name", name}});
  return out;
}

json::object metric_of(const MetricDataQuery& query) {
  json::object out{{"Id", query.id}};
  if (query.expression) out["Expression"] = *query.expression;
  if (query.label) out["Label"] = *query.label;
  if (query.metric_stat) {
    json::array dimensions;
    for (const Dimension& dimension : query.metric_stat->metric.dimensions)
      dimensions.push_back(json::object{{"value", dimension.value}, {"name", dimension.name}});
    out["MetricStat"] = json::object{
        {"Metric", json::object{{"Dimensions", std::move(dimensions)},
                                {"MetricName", query.metric_stat->metric.metric_name.value_or("")},
                                {"Namespace", query.metric_stat->metric.namespace_.value_or("")}}},
        {"Period", query.metric_stat->period},
        {"Stat", query.metric_stat->stat}};
  }
  out["ReturnData"] = query.return_data.value_or(true);
  return out;
}

json::object trigger_of(const AlarmRecord& alarm) {
  json::object out;
  if (alarm.queries.empty()) {
    std::string statistic = alarm.statistic;
    for (char& c : statistic) c = char(std::toupper(static_cast<unsigned char>(c)));
    out["MetricName"] = alarm.metric.name;
    out["Namespace"] = alarm.metric.space;
    out["StatisticType"] = alarm.statistic.empty() ? "ExtendedStatistic" : "Statistic";
    out[alarm.statistic.empty() ? "ExtendedStatistic" : "Statistic"] =
        alarm.statistic.empty() ? alarm.extended_statistic : statistic;
    out["Unit"] = text_or_null(alarm.unit);
    out["Dimensions"] = dimensions_of(alarm.metric.dimensions);
  }
  out["Period"] = alarm.period_s;
  out["EvaluationPeriods"] = alarm.evaluation_periods;
  if (alarm.datapoints_to_alarm) out["DatapointsToAlarm"] = alarm.datapoints_to_alarm;
  out["ComparisonOperator"] = alarm.comparison;
  out["Threshold"] = alarm.threshold;
  out["TreatMissingData"] = alarm.treat_missing_data.empty() ? "missing" : alarm.treat_missing_data;
  out["EvaluateLowSampleCountPercentile"] = alarm.low_sample_handling;
  if (!alarm.queries.empty()) {
    json::array metrics;
    for (const MetricDataQuery& query : alarm.queries) metrics.push_back(metric_of(query));
    out["Metrics"] = std::move(metrics);
  }
  return out;
}

}  // namespace

std::string java_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e7)) {
    std::string text = fmt::format("{:e}", value);
    // The shortest digits that read back as the same number.
    for (int digits = 1; digits <= 17; ++digits) {
      text = fmt::format("{:.{}e}", value, digits);
      if (std::stod(text) == value) break;
    }
    const std::size_t e = text.find('e');
    return fmt::format("{}E{}", text.substr(0, e), std::stoi(text.substr(e + 1)));
  }
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string java_json(const json::value& value) {
  std::string out;
  if (const auto* object = value.if_object()) {
    for (const auto& [key, item] : *object) {
      out += out.empty() ? "{" : ",";
      wire::write_json_string({key.data(), key.size()}, out);
      out += ':' + java_json(item);
    }
    return out.empty() ? "{}" : out + "}";
  }
  if (const auto* array = value.if_array()) {
    for (const json::value& item : *array) out += (out.empty() ? "[" : ",") + java_json(item);
    return out.empty() ? "[]" : out + "]";
  }
  if (value.is_double()) return java_number(value.get_double());
  return json::serialize(value);
}

std::string short_time(TimePoint time) { return formatted(time, "%d/%m/%y %H:%M:%S"); }

std::string long_time(TimePoint time) {
  return fmt::format("{}.{:03}+0000", formatted(time, "%Y-%m-%dT%H:%M:%S"),
                     to_unix_ms(time) % 1000);
}

std::string spoken_time(TimePoint time) { return formatted(time, "%A %d %B, %Y %H:%M:%S UTC"); }

std::string region_name(const std::string& region) {
  static const std::map<std::string, std::string> kNames{
      {"us-east-1", "US East (N. Virginia)"},
      {"us-east-2", "US East (Ohio)"},
      {"us-west-1", "US West (N. California)"},
      {"us-west-2", "US West (Oregon)"},
      {"ca-central-1", "Canada (Central)"},
      {"eu-central-1", "EU (Frankfurt)"},
      {"eu-west-1", "EU (Ireland)"},
      {"eu-west-2", "EU (London)"},
      {"eu-west-3", "EU (Paris)"},
      {"eu-north-1", "EU (Stockholm)"},
      {"eu-south-1", "EU (Milan)"},
      {"ap-south-1", "Asia Pacific (Mumbai)"},
      {"ap-northeast-1", "Asia Pacific (Tokyo)"},
      {"ap-northeast-2", "Asia Pacific (Seoul)"},
      {"ap-northeast-3", "Asia Pacific (Osaka)"},
      {"ap-southeast-1", "Asia Pacific (Singapore)"},
      {"ap-southeast-2", "Asia Pacific (Sydney)"},
      {"ap-east-1", "Asia Pacific (Hong Kong)"},
      {"sa-east-1", "South America (Sao Paulo)"},
      {"me-south-1", "Middle East (Bahrain)"},
      {"af-south-1", "Africa (Cape Town)"},
  };
  const auto found = kNames.find(region);
  return found == kNames.end() ? region : found->second;
}

std::string_view comparison_words(const std::string& comparison) {
  if (comparison == "GreaterThanOrEqualToThreshold") return "greater than or equal to";
  if (comparison == "GreaterThanThreshold") return "greater than";
  if (comparison == "LessThanThreshold") return "less than";
  return "less than or equal to";
}

std::string notification(const Scope& scope, const AlarmRecord& alarm, AlarmState previous,
                         TimePoint time) {
  json::object out{
      {"AlarmName", alarm.name},
      {"AlarmDescription", text_or_null(alarm.description)},
      {"AWSAccountId", scope.account},
      {"AlarmConfigurationUpdatedTimestamp", long_time(alarm.configured)},
      {"NewStateValue",
       json::string_view(to_text(alarm.state).data(), to_text(alarm.state).size())},
      {"NewStateReason", alarm.reason},
      {"StateChangeTime", long_time(time)},
      {"Region", region_name(scope.region)},
      {"AlarmArn", alarm_arn(scope, alarm.name)},
      {"OldStateValue", json::string_view(to_text(previous).data(), to_text(previous).size())},
      {"OKActions", texts(alarm.ok_actions)},
      {"AlarmActions", texts(alarm.alarm_actions)},
      {"InsufficientDataActions", texts(alarm.insufficient_data_actions)}};
  if (alarm.composite) {
    out["AlarmRule"] = alarm.rule;
  } else {
    out["Trigger"] = trigger_of(alarm);
  }
  return java_json(out);
}

std::string notification_subject(const Scope& scope, const AlarmRecord& alarm) {
  std::string subject =
      fmt::format("{}: \"{}\" in {}", to_text(alarm.state), alarm.name, region_name(scope.region));
  // SNS takes subjects of at most 100 characters.
  if (subject.size() > 100) subject = subject.substr(0, 97) + "...";
  return subject;
}

}  // namespace landfall::cloudwatch
