#include "services/cloudwatch/explain.h"

#include <set>

#include "services/cloudwatch/alarms/evaluate.h"
#include "services/cloudwatch/alarms/rule.h"
#include "services/cloudwatch/queries.h"

namespace landfall::cloudwatch {
namespace {

using reconcile::Explanation;
using reconcile::Finding;
using reconcile::Severity;

std::string shown(const std::map<std::string, std::string>& dimensions) {
  std::string out;
  for (const auto& [name, value] : dimensions)
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name, value);
  return out.empty() ? "no dimensions" : out;
}

std::int64_t newest_of(const MetricStore::Units& units) {
  std::int64_t out = 0;
  for (const auto& [unit, series] : units) out = std::max(out, series.last_s);
  return out;
}

// Why nothing is known of a metric: most often its dimensions are not those that are put.
std::optional<Finding> look_for(const Cloudwatch& cloudwatch, const Scope& scope,
                                const MetricKey& metric, const std::string& unit,
                                std::int64_t range_s) {
  const auto& all = cloudwatch.metrics.metrics(scope);
  const auto found = all.find(metric);
  if (found == all.end()) {
    std::set<std::string> others;
    for (const auto& [other, units] : all) {
      if (other.space == metric.space && other.name == metric.name && others.size() < 3)
        others.insert(shown(other.dimensions));
    }
    if (others.empty()) {
      return Finding{
          .reason = "MetricNeverPut",
          .message = fmt::format("Nothing was ever put for the metric {} in {}.", metric.name,
                                 metric.space),
          .advice = fmt::format("aws cloudwatch list-metrics --namespace {}", metric.space)};
    }
    return Finding{.reason = "DimensionsDiffer",
                   .message = fmt::format("The metric {} of {} does not come with {}, but with {}.",
                                          metric.name, metric.space, shown(metric.dimensions),
                                          fmt::join(others, "; or "))};
  }
  if (!unit.empty() && !found->second.contains(unit)) {
    return Finding{.reason = "UnitDiffers",
                   .message = fmt::format("The alarm asks for {} in {}; it comes in {}.",
                                          metric.name, unit, found->second.begin()->first),
                   .advice = "Leave the alarm's unit out, or put the metric in that unit."};
  }
  const std::int64_t now_s = to_unix_ms(cloudwatch.clock.now()) / 1000;
  const std::int64_t last_s = newest_of(found->second);
  if (last_s >= now_s - range_s) return {};
  return Finding{.reason = "MetricStopped",
                 .message = fmt::format("The last datapoint of {} came at {}.", metric.name,
                                        format_iso8601(from_unix_ms(last_s * 1000))),
                 .since = from_unix_ms(last_s * 1000)};
}

void add_missing(const Cloudwatch& cloudwatch, const Scope& scope, const AlarmRecord& alarm,
                 Explanation& out) {
  const std::int64_t range_s =
      std::int64_t(alarm.evaluation_periods + kExtraPeriods + 1) * alarm.period_s;
  std::vector<MetricKey> metrics{alarm.metric};
  if (!alarm.queries.empty()) {
    const auto queries = MetricQueries::prepare(scope, alarm.queries, "Metrics");
    metrics = queries ? queries->metrics() : std::vector<MetricKey>();
  }
  for (const MetricKey& metric : metrics) {
    if (auto finding = look_for(cloudwatch, scope, metric, alarm.unit, range_s))
      out.findings.push_back(std::move(*finding));
  }
}

void add_actions(const Cloudwatch& cloudwatch, const Scope& scope, const AlarmRecord& alarm,
                 Explanation& out) {
  if (!alarm.actions_enabled) {
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "ActionsDisabled",
         .message = "The actions of the alarm are disabled.",
         .advice =
             fmt::format("aws cloudwatch enable-alarm-actions --alarm-names {}", alarm.name)});
  }
  if (alarm.state == AlarmState::alarm && alarm.alarm_actions.empty()) {
    out.findings.push_back({.severity = Severity::info,
                            .reason = "NobodyTold",
                            .message = "The alarm has no actions for ALARM: nobody is told."});
  }
  for (const auto& row : cloudwatch.history(scope).list(alarm_id(alarm.name) + "/")) {
    const HistoryRecord& item = row.value;
    if (item.type != "Action" || item.time < alarm.transitioned ||
        !item.summary.starts_with("Failed")) {
      continue;
    }
    out.findings.push_back({.severity = Severity::warning,
                            .reason = "ActionFailed",
                            .message = item.summary,
                            .since = item.time});
  }
  for (const std::string& action : alarm.actions()) out.depends_on.push_back(action);
}

}  // namespace

task<std::optional<Explanation>> explain(const Cloudwatch& cloudwatch, Scope scope,
                                         std::string reference) {
  if (const auto arn = Arn::parse(reference); arn && arn->service == "cloudwatch")
    scope = {arn->account, arn->region};
  const auto row = cloudwatch.find_alarm(scope, alarm_name_of(scope, reference));
  if (!row) co_return std::nullopt;
  const AlarmRecord& alarm = row->value;
  Explanation out{.resource = alarm_arn(scope, alarm.name),
                  .kind = alarm.composite ? "composite alarm" : "alarm",
                  .state = std::string(to_text(alarm.state)),
                  .findings = {},
                  .depends_on = {}};
  if (alarm.state == AlarmState::alarm) {
    Finding crossed{.severity = Severity::problem,
                    .reason = alarm.composite ? "RuleHolds" : "ThresholdCrossed",
                    .message = alarm.reason,
                    .since = alarm.transitioned};
    const auto rule = AlarmRule::parse(alarm.composite ? alarm.rule : "");
    if (rule) {
      for (const std::string& child : rule->alarms()) {
        const auto held = cloudwatch.alarm(scope, alarm_name_of(scope, child));
        if (held && held->state == AlarmState::alarm) crossed.deeper.push_back(held->arn);
      }
    }
    out.findings.push_back(std::move(crossed));
  }
  if (alarm.state == AlarmState::insufficient_data && !alarm.composite)
    add_missing(cloudwatch, scope, alarm, out);
  add_actions(cloudwatch, scope, alarm, out);
  co_return out;
}

}  // namespace landfall::cloudwatch
