#include "services/application_autoscaling/controller/tracking_alarms.h"

#include <cmath>
#include <set>

#include "base/bytes.h"
#include "wire/application_autoscaling/errors.h"

namespace landfall::application_autoscaling {
namespace {

constexpr std::size_t kMostQueries = 10;
// Scaling in waits until the metric is this share of the target.
constexpr double kLowShare = 0.9;

bool counts_requests(const PredefinedMetricSpecification& metric) {
  return metric.predefined_metric_type == "ALBRequestCountPerTarget";
}

// "app/NAME/ID/targetgroup/NAME/ID" into the load balancer's part and the target group's.
std::optional<std::pair<std::string, std::string>> parse_label(const std::string& label) {
  const std::size_t at = label.find("/targetgroup/");
  if (at == std::string::npos || !label.starts_with("app/")) return {};
  std::pair<std::string, std::string> out{label.substr(0, at), label.substr(at + 1)};
  for (const std::string& part : {out.first, out.second}) {
    if (std::ranges::count(part, '/') != 2 || part.ends_with('/') || part.contains("//")) return {};
  }
  return out;
}

Result<void> check_predefined(const PredefinedMetricSpecification& metric) {
  const std::string& type = metric.predefined_metric_type;
  if (counts_requests(metric)) {
    if (!metric.resource_label)
      return errors::validation(
          "ResourceLabel is required for the predefined metric ALBRequestCountPerTarget.");
    if (!parse_label(*metric.resource_label))
      return errors::validation(fmt::format(
          "Invalid ResourceLabel: {}. It is the last part of the load balancer's ARN and the last "
          "part of the target group's ARN, joined with /: "
          "app/<load-balancer>/<id>/targetgroup/<target-group>/<id>.",
          *metric.resource_label));
    return {};
  }
  if (type != "ECSServiceAverageCPUUtilization" && type != "ECSServiceAverageMemoryUtilization")
    return errors::validation(fmt::format(
        "The predefined metric {} is not one of scalable dimension {}.", type, kDimension));
  if (metric.resource_label)
    return errors::validation(
        fmt::format("ResourceLabel is not valid for the predefined metric {}.", type));
  return {};
}

Result<void> check_queries(const wire::List<TargetTrackingMetricDataQuery>& queries) {
  if (queries.size() > kMostQueries)
    return errors::validation(
        fmt::format("Metrics has at most {} metric data queries.", kMostQueries));
  std::set<std::string> ids;
  int returned = 0;
  for (const TargetTrackingMetricDataQuery& query : queries) {
    if (!ids.insert(query.id).second)
      return errors::validation(fmt::format("The Id {} is used twice in Metrics.", query.id));
    if (query.expression.has_value() == query.metric_stat.has_value())
      return errors::validation("Each metric data query has either an Expression or a MetricStat.");
    if (query.metric_stat &&
        (!query.metric_stat->metric.metric_name || !query.metric_stat->metric.namespace_))
      return errors::validation("The Metric of a MetricStat needs a Namespace and a MetricName.");
    if (query.return_data.value_or(true)) ++returned;
  }
  if (returned != 1)
    return errors::validation("Exactly one metric data query must have ReturnData set to true.");
  return {};
}

Result<void> check_customized(const CustomizedMetricSpecification& metric) {
  if (metric.metrics.given()) {
    if (metric.metric_name || metric.namespace_ || metric.statistic || metric.unit ||
        !metric.dimensions.empty())
      return errors::validation(
          "A customized metric has either Metrics or a Namespace, MetricName and Statistic.");
    return check_queries(metric.metrics);
  }
  if (!metric.metric_name || !metric.namespace_ || !metric.statistic)
    return errors::validation(
        "A customized metric needs a Namespace, a MetricName and a Statistic.");
  return {};
}

std::string fingerprint(const std::vector<cloudwatch::AlarmSettings>& alarms) {
  std::string text;
  for (const cloudwatch::AlarmSettings& alarm : alarms) {
    const auto add_metric = [&](const cloudwatch::MetricKey& metric) {
      text += fmt::format("{}\n{}\n", metric.space, metric.name);
      for (const auto& [name, value] : metric.dimensions)
        text += fmt::format("{}={}\n", name, value);
    };
    text += fmt::format("{} {} {} {} {} {} {} {}\n", alarm.name, alarm.description, alarm.statistic,
                        alarm.unit, alarm.period_s, alarm.evaluation_periods, alarm.threshold,
                        alarm.comparison);
    add_metric(alarm.metric);
    for (const cloudwatch::AlarmQuery& query : alarm.queries) {
      text += fmt::format("{} {} {} {} {} {} {}\n", query.id, query.expression, query.statistic,
                          query.period_s, query.unit, query.label, query.return_data);
      add_metric(query.metric);
    }
  }
  return sha256_hex(text).substr(0, 16);
}

}  // namespace

Result<void> check_tracking(const TargetTrackingScalingPolicyConfiguration& policy) {
  if (!(policy.target_value > 0) || !std::isfinite(policy.target_value))
    return errors::validation("TargetValue must be greater than 0.");
  if (policy.predefined_metric_specification.has_value() ==
      policy.customized_metric_specification.has_value())
    return errors::validation(
        "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be "
        "specified.");
  if (policy.scale_out_cooldown.value_or(0) < 0 || policy.scale_in_cooldown.value_or(0) < 0)
    return errors::validation("Cooldowns must be greater than or equal to 0.");
  if (policy.predefined_metric_specification)
    return check_predefined(*policy.predefined_metric_specification);
  return check_customized(*policy.customized_metric_specification);
}

TrackedMetric tracked_metric(const TargetRecord& target,
                             const TargetTrackingScalingPolicyConfiguration& policy,
                             const AlarmTiming& timing) {
  TrackedMetric out;
  if (const auto& predefined = policy.predefined_metric_specification) {
    if (counts_requests(*predefined)) {
      const auto label = parse_label(predefined->resource_label.value_or(""));
      out.metric = {"AWS/ApplicationELB", "RequestCountPerTarget", {}};
      if (label) {
        out.metric.dimensions["LoadBalancer"] = label->first;
        out.metric.dimensions["TargetGroup"] = label->second;
      }
      out.statistic = "Sum";
      return out;
    }
    const bool cpu = predefined->predefined_metric_type == "ECSServiceAverageCPUUtilization";
    out.metric = {"AWS/ECS",
                  cpu ? "CPUUtilization" : "MemoryUtilization",
                  {{"ClusterName", target.cluster}, {"ServiceName", target.service}}};
    out.statistic = "Average";
    return out;
  }
  const CustomizedMetricSpecification& custom = *policy.customized_metric_specification;
  for (const TargetTrackingMetricDataQuery& query : custom.metrics) {
    cloudwatch::AlarmQuery& line = out.queries.emplace_back();
    line.id = query.id;
    line.expression = query.expression.value_or("");
    line.label = query.label.value_or("");
    line.period_s = timing.period_s;
    line.return_data = query.return_data.value_or(true);
    if (!query.metric_stat) continue;
    const TargetTrackingMetric& metric = query.metric_stat->metric;
    line.metric = {metric.namespace_.value_or(""), metric.metric_name.value_or(""), {}};
    for (const auto& dimension : metric.dimensions)
      line.metric.dimensions[dimension.name] = dimension.value;
    line.statistic = query.metric_stat->stat;
    line.unit = query.metric_stat->unit.value_or("");
  }
  if (!out.queries.empty()) return out;
  out.metric = {custom.namespace_.value_or(""), custom.metric_name.value_or(""), {}};
  for (const MetricDimension& dimension : custom.dimensions)
    out.metric.dimensions[dimension.name] = dimension.value;
  out.statistic = custom.statistic.value_or("Average");
  out.unit = custom.unit.value_or("");
  return out;
}

std::string tracking_alarm_name(const std::string& resource, std::string_view kind,
                                const std::string& id) {
  return fmt::format("TargetTracking-{}-{}-{}", resource, kind, id);
}

std::vector<cloudwatch::AlarmSettings> tracking_alarms(const Scope& scope,
                                                       const TargetRecord& target,
                                                       const PolicyRecord& policy,
                                                       const AlarmTiming& timing) {
  std::vector<cloudwatch::AlarmSettings> out;
  if (!policy.tracking) return out;
  const std::string arn = policy_arn(scope, target.resource(), policy);
  const TrackedMetric tracked = tracked_metric(target, *policy.tracking, timing);
  const auto add = [&](const std::string& name, std::string comparison, double threshold,
                       int periods) {
    cloudwatch::AlarmSettings& alarm = out.emplace_back();
    alarm.name = name;
    alarm.description = "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy " + arn + ".";
    alarm.queries = tracked.queries;
    alarm.metric = tracked.metric;
    alarm.statistic = tracked.statistic;
    alarm.unit = tracked.unit;
    alarm.period_s = timing.period_s;
    alarm.evaluation_periods = periods;
    alarm.threshold = threshold;
    alarm.comparison = std::move(comparison);
    alarm.alarm_actions = {arn};
  };
  const double target_value = policy.tracking->target_value;
  add(policy.high_alarm, "GreaterThanThreshold", target_value, timing.out_periods);
  if (!policy.low_alarm.empty())
    add(policy.low_alarm, "LessThanThreshold", target_value * kLowShare, timing.in_periods);
  return out;
}

task<Result<void>> ensure_alarms(ApplicationAutoscaling& scaling, Scope scope, TargetRecord target,
                                 store::Row<PolicyRecord> policy) {
  const auto wanted = tracking_alarms(scope, target, policy.value, scaling.timing);
  const std::string made = wanted.empty() ? std::string() : fingerprint(wanted);
  const auto& cloudwatch = scaling.cloudwatch;
  const bool there = std::ranges::all_of(wanted, [&](const cloudwatch::AlarmSettings& alarm) {
    return cloudwatch.alarm(scope, alarm.name).has_value();
  });
  if (there && made == policy.value.alarms_made) co_return Result<void>();
  std::vector<std::string> extra;
  const std::string ours = fmt::format("TargetTracking-{}-Alarm", target.resource());
  for (const std::string& name :
       cloudwatch.alarms_with_action(scope, policy_arn(scope, target.resource(), policy.value))) {
    const bool still =
        std::ranges::find(wanted, name, &cloudwatch::AlarmSettings::name) != wanted.end();
    if (name.starts_with(ours) && !still) extra.push_back(name);
  }
  if (!extra.empty()) LF_CO_OK(co_await scaling.cloudwatch.delete_alarms(scope, std::move(extra)));
  for (const cloudwatch::AlarmSettings& alarm : wanted)
    LF_CO_OK(co_await scaling.cloudwatch.put_alarm(scope, alarm));
  // A policy that has been deleted meanwhile has no use for them.
  auto done = co_await scaling.tables(scope).policies.update(
      policy.id, [&](PolicyRecord& record) -> Result<bool> {
        if (record.id != policy.value.id) return false;
        record.alarms_made = made;
        return true;
      });
  if (!done && done.error().code == "not-found") {
    std::vector<std::string> names;
    for (const cloudwatch::AlarmSettings& alarm : wanted) names.push_back(alarm.name);
    co_return co_await scaling.cloudwatch.delete_alarms(scope, std::move(names));
  }
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

}  // namespace landfall::application_autoscaling
