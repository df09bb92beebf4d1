#include "services/application_autoscaling/controller/observe.h"

#include "services/application_autoscaling/controller/tracking_alarms.h"

namespace landfall::application_autoscaling {
namespace {

bool in_alarm(const ApplicationAutoscaling& scaling, const Scope& scope, const std::string& name) {
  if (name.empty()) return false;
  const auto alarm = scaling.cloudwatch.alarm(scope, name);
  return alarm && alarm->state == cloudwatch::AlarmState::alarm;
}

std::vector<Datapoint> points_of(const std::vector<cloudwatch::Point>& points) {
  std::vector<Datapoint> out;
  for (const cloudwatch::Point& point : points) out.push_back({point.time, point.value});
  return out;
}

// Of an expression: what the alarm that told last was decided on.
std::vector<Datapoint> told_points(const std::map<std::string, Told>& told) {
  const Told* latest = nullptr;
  for (const auto& [alarm, one] : told) {
    if (!latest || one.at > latest->at) latest = &one;
  }
  return latest ? points_of(latest->transition.recent) : std::vector<Datapoint>();
}

std::vector<SeenAlarm> told_alarms(const ApplicationAutoscaling& scaling, const Scope& scope,
                                   const std::map<std::string, Told>& told) {
  std::vector<SeenAlarm> out;
  for (const auto& [name, one] : told) {
    const auto alarm = scaling.cloudwatch.alarm(scope, name);
    // Only while it is in the state that it told.
    if (!alarm || alarm->state != one.transition.alarm.state || !one.transition.threshold) continue;
    SeenAlarm& seen = out.emplace_back();
    seen.name = name;
    seen.state = cloudwatch::to_text(alarm->state);
    seen.below = one.transition.comparison.starts_with("LessThan");
    seen.threshold = *one.transition.threshold;
    seen.points = points_of(one.transition.recent);
    seen.at = one.at;
  }
  return out;
}

}  // namespace

std::vector<Datapoint> recent_points(const ApplicationAutoscaling& scaling, const Scope& scope,
                                     const TargetRecord& target, const PolicyRecord& policy,
                                     TimePoint now) {
  const TrackedMetric tracked = tracked_metric(target, *policy.tracking, scaling.timing);
  if (!tracked.queries.empty()) return {};
  const Millis period = std::chrono::seconds(scaling.timing.period_s);
  cloudwatch::StatisticQuery query;
  query.metric = tracked.metric;
  query.statistic = tracked.statistic;
  query.unit = tracked.unit;
  query.period_s = scaling.timing.period_s;
  query.to = TimePoint(now.time_since_epoch() / period * period);
  query.from = query.to - period * std::max(scaling.timing.in_periods, scaling.timing.out_periods);
  return points_of(scaling.cloudwatch.statistics(scope, query));
}

Seen observe(const ApplicationAutoscaling& scaling, const Scope& scope, const TargetRecord& target,
             const Signals& signals, TimePoint now) {
  const Tables tables = scaling.tables(scope);
  static const std::map<std::string, Told> kNothing;
  Seen out;
  if (const auto service = scaling.ecs.find_service(scope, target.cluster, target.service))
    out.service = SeenService{service->desired, service->running, service->deploying};
  for (auto& row : tables.policies.list(target.key() + "/")) {
    SeenPolicy& policy = out.policies.emplace_back();
    policy.record = std::move(row.value);
    const auto told = signals.find(policy_arn(scope, target.resource(), policy.record));
    const auto& by_alarm = told == signals.end() ? kNothing : told->second;
    if (!policy.record.tracking) {
      policy.alarms = told_alarms(scaling, scope, by_alarm);
      continue;
    }
    policy.tracking.high = in_alarm(scaling, scope, policy.record.high_alarm);
    policy.tracking.low = in_alarm(scaling, scope, policy.record.low_alarm);
    if (!policy.tracking.high && !policy.tracking.low) continue;
    policy.tracking.points = recent_points(scaling, scope, target, policy.record, now);
    if (policy.tracking.points.empty()) policy.tracking.points = told_points(by_alarm);
  }
  for (auto& row : tables.schedules.list(target.key() + "/")) {
    auto schedule = Schedule::parse(row.value.schedule, row.value.timezone);
    if (schedule) out.schedules.push_back({std::move(row.value), std::move(*schedule)});
  }
  if (target.change) {
    ActivityRecord key;
    key.id = target.change->activity;
    key.started = target.change->started;
    if (auto row = tables.activities.get(activity_id(target.key(), key)))
      out.under_way = std::move(row->value);
  }
  return out;
}

}  // namespace landfall::application_autoscaling
