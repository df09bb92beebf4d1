#include "services/cloudwatch/alarms/configure.h"

#include "services/cloudwatch/alarms/history.h"
#include "services/cloudwatch/alarms/rule.h"
#include "services/cloudwatch/queries.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::int64_t kDay_s = 24 * 3600;
constexpr std::size_t kMostAlarms = 5000;  // in an account and region
constexpr std::size_t kMostTags = 50;

Result<void> check_actions(const Cloudwatch& cloudwatch, const Scope& scope,
                           const std::vector<std::string>& actions) {
  for (const std::string& action : actions) {
    const auto arn = Arn::parse(action);
    if (!arn) return invalid(fmt::format("Invalid arn syntax: {}", action));
    const ActionHandler* handler = cloudwatch.handler_of(action);
    if (!handler)
      return invalid(fmt::format("Unsupported action: {}. Landfall does not serve it.", action));
    if (!arn->region.empty() && arn->region != scope.region) {
      return invalid(fmt::format("Invalid region {} specified. Only {} is supported.", arn->region,
                                 scope.region));
    }
    if (handler->check) {
      if (auto good = handler->check(scope, action); !good)
        return invalid(std::move(good.error().message));
    }
  }
  return {};
}

Result<void> check_statistic(const AlarmRecord& alarm) {
  if (alarm.metric.name.empty() || alarm.metric.space.empty())
    return invalid("MetricName and Namespace are required unless Metrics is given.");
  if (alarm.statistic.empty() == alarm.extended_statistic.empty())
    return invalid("Exactly one of Statistic and ExtendedStatistic must be specified.");
  if (!alarm.extended_statistic.empty()) {
    const auto statistic = Statistic::parse(alarm.extended_statistic);
    if (!statistic || statistic->simple()) {
      return invalid(fmt::format("The value {} for parameter ExtendedStatistic is not supported.",
                                 alarm.extended_statistic));
    }
    if (!alarm.low_sample_handling.empty() && !statistic->percentile())
      return invalid("EvaluateLowSampleCountPercentile is for percentiles only.");
  } else if (!alarm.low_sample_handling.empty()) {
    return invalid("EvaluateLowSampleCountPercentile is for percentiles only.");
  }
  if (alarm.period_s == 0) return invalid("Period is required.");
  return {};
}

Result<void> check_queries(const Scope& scope, const AlarmRecord& alarm) {
  if (!alarm.metric.name.empty() || !alarm.statistic.empty() || !alarm.extended_statistic.empty()) {
    return invalid(
        "Metrics cannot be combined with MetricName, Namespace, Dimensions, Period, Unit, "
        "Statistic "
        "or ExtendedStatistic.");
  }
  LF_TRY(queries, MetricQueries::prepare(scope, alarm.queries, "Metrics"));
  if (queries.searches()) return invalid("SEARCH is not supported on Metric Alarms.");
  if (queries.returned() != 1)
    return invalid("Exactly one element of the metrics list should return data.");
  return {};
}

Result<void> check_metric_alarm(const Scope& scope, const AlarmRecord& alarm) {
  LF_OK(alarm.queries.empty() ? check_statistic(alarm) : check_queries(scope, alarm));
  const std::int32_t period_s = alarm.period_s;
  if (!(period_s == 10 || period_s == 20 || period_s == 30 || (period_s > 0 && period_s % 60 == 0)))
    return invalid("Period must be 10, 20, 30 or a multiple of 60");
  if (alarm.evaluation_periods < 1) return invalid("EvaluationPeriods is required.");
  const std::int64_t range_s = std::int64_t(alarm.evaluation_periods) * period_s;
  if (period_s < 3600 && range_s > kDay_s) {
    return invalid(
        "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= "
        "86400).");
  }
  if (range_s > 7 * kDay_s) {
    return invalid(
        "Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be "
        "<= 604800).");
  }
  if (alarm.datapoints_to_alarm > alarm.evaluation_periods)
    return invalid("DatapointsToAlarm cannot be greater than EvaluationPeriods.");
  static const std::set<std::string> kTreatments{"", "breaching", "notBreaching", "ignore",
                                                 "missing"};
  if (!kTreatments.contains(alarm.treat_missing_data)) {
    return invalid(fmt::format(
        "Option {} is not supported for TreatMissingData parameter. Supported options are "
        "[breaching, notBreaching, ignore, missing].",
        alarm.treat_missing_data));
  }
  static const std::set<std::string> kLowSamples{"", "evaluate", "ignore"};
  if (!kLowSamples.contains(alarm.low_sample_handling)) {
    return invalid(
        fmt::format("Option {} is not supported for EvaluateLowSampleCountPercentile parameter. "
                    "Supported options are [evaluate, ignore].",
                    alarm.low_sample_handling));
  }
  static const std::set<std::string> kComparisons{"GreaterThanOrEqualToThreshold",
                                                  "GreaterThanThreshold", "LessThanThreshold",
                                                  "LessThanOrEqualToThreshold"};
  if (!kComparisons.contains(alarm.comparison)) {
    return invalid(alarm.comparison.empty()
                       ? "ComparisonOperator is required."
                       : "Comparisons with bands of anomaly detection are not served here.");
  }
  return {};
}

Result<void> check_rule(const Cloudwatch& cloudwatch, const Scope& scope,
                        const AlarmRecord& alarm) {
  auto rule = AlarmRule::parse(alarm.rule);
  if (!rule) return invalid(fmt::format("Invalid AlarmRule: {}.", rule.error().message));
  for (const std::string& reference : rule->alarms()) {
    const std::string name = alarm_name_of(scope, reference);
    if (name == alarm.name)
      return invalid("A composite alarm cannot refer to itself in its AlarmRule.");
    if (!cloudwatch.find_alarm(scope, name))
      return invalid(fmt::format("The alarm {} in AlarmRule does not exist.", reference));
  }
  return {};
}

MetricDataQuery to_query(const AlarmQuery& query) {
  MetricDataQuery out;
  out.id = query.id;
  if (!query.label.empty()) out.label = query.label;
  out.return_data = query.return_data;
  if (!query.expression.empty()) {
    out.expression = query.expression;
    return out;
  }
  MetricStat& stat = out.metric_stat.emplace();
  stat.metric.namespace_ = query.metric.space;
  stat.metric.metric_name = query.metric.name;
  for (const auto& [name, value] : query.metric.dimensions)
    stat.metric.dimensions.push_back({.name = name, .value = value});
  stat.period = std::int32_t(query.period_s);
  stat.stat = query.statistic;
  if (!query.unit.empty()) stat.unit = query.unit;
  return out;
}

}  // namespace

Result<void> check_alarm(const Cloudwatch& cloudwatch, const Scope& scope,
                         const AlarmRecord& alarm) {
  LF_OK(alarm.composite ? check_rule(cloudwatch, scope, alarm) : check_metric_alarm(scope, alarm));
  for (const auto* actions :
       {&alarm.ok_actions, &alarm.alarm_actions, &alarm.insufficient_data_actions}) {
    LF_OK(check_actions(cloudwatch, scope, *actions));
  }
  if (alarm.tags.size() > kMostTags) return invalid("An alarm has at most 50 tags.");
  return {};
}

task<Result<void>> write_alarm(Cloudwatch& cloudwatch, Scope scope, AlarmRecord alarm,
                               TimePoint now) {
  const auto table = cloudwatch.alarms(scope);
  const std::string id = alarm_id(alarm.name);
  for (int attempt = 0; attempt < 16; ++attempt) {
    const auto held = table.get(id);
    if (held && held->value.composite != alarm.composite) {
      co_return invalid(fmt::format("There is an alarm {} of the other type already.", alarm.name));
    }
    if (!held && cloudwatch.store.range(table.prefix()).size() >= kMostAlarms) {
      co_return fail("LimitExceeded", "The maximum number of alarms has been reached.");
    }
    AlarmRecord written = alarm;
    if (held) {
      const AlarmRecord& before = held->value;
      written.state = before.state;
      written.reason = before.reason;
      written.reason_data = before.reason_data;
      written.updated = before.updated;
      written.transitioned = before.transitioned;
      written.tags = before.tags;  // those of a request are for new alarms only
    } else {
      written.updated = written.transitioned = now;
    }
    written.configured = now;
    LF_CO_TRY(done, co_await cloudwatch.store.commit(
                        {{table.unchanged(id, held ? held->revision : 0)},
                         {table.put(id, written),
                          history_of_configuration(cloudwatch, scope, written,
                                                   held ? "updated" : "created", now)}}));
    if (!done.succeeded) continue;
    if (cloudwatch.alarm_changed) cloudwatch.alarm_changed(scope, alarm.name);
    co_return Result<void>();
  }
  co_return fail("conflict", "the alarm keeps changing", 500);
}

task<Result<void>> remove_alarms(Cloudwatch& cloudwatch, Scope scope,
                                 std::vector<std::string> names, TimePoint now) {
  store::Transaction transaction;
  const auto table = cloudwatch.alarms(scope);
  for (const std::string& name : names) {
    const auto held = table.get(alarm_id(name));
    if (!held) continue;
    transaction.operations.push_back(table.remove(held->id));
    transaction.operations.push_back(
        history_of_configuration(cloudwatch, scope, held->value, "deleted", now));
  }
  if (transaction.operations.empty()) co_return Result<void>();
  LF_CO_OK(co_await cloudwatch.store.commit(std::move(transaction)));
  for (const std::string& name : names) {
    if (cloudwatch.alarm_changed) cloudwatch.alarm_changed(scope, name);
  }
  co_return Result<void>();
}

task<Result<void>> change_alarm(Cloudwatch& cloudwatch, Scope scope, std::string name,
                                std::function<Result<bool>(AlarmRecord&)> change) {
  LF_CO_OK(co_await cloudwatch.alarms(scope).update(alarm_id(name), std::move(change)));
  if (cloudwatch.alarm_changed) cloudwatch.alarm_changed(scope, name);
  co_return Result<void>();
}

AlarmRecord record_of(AlarmSettings settings) {
  AlarmRecord out;
  out.name = std::move(settings.name);
  out.description = std::move(settings.description);
  if (settings.queries.empty()) {
    out.metric = std::move(settings.metric);
    const auto statistic = Statistic::parse(settings.statistic);
    (statistic && statistic->simple() ? out.statistic : out.extended_statistic) =
        settings.statistic;
    out.unit = std::move(settings.unit);
    out.period_s = std::int32_t(settings.period_s);
  }
  for (const AlarmQuery& query : settings.queries) {
    out.queries.push_back(to_query(query));
    out.period_s = std::max(out.period_s, std::int32_t(query.period_s));
  }
  out.evaluation_periods = settings.evaluation_periods;
  out.datapoints_to_alarm = settings.datapoints_to_alarm;
  out.threshold = settings.threshold;
  out.comparison = std::move(settings.comparison);
  if (settings.treat_missing_data != "missing")
    out.treat_missing_data = std::move(settings.treat_missing_data);
  out.ok_actions = std::move(settings.ok_actions);
  out.alarm_actions = std::move(settings.alarm_actions);
  out.insufficient_data_actions = std::move(settings.insufficient_data_actions);
  return out;
}

}  // namespace landfall::cloudwatch
