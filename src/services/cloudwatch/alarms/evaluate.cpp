#include "services/cloudwatch/alarms/evaluate.h"

#include "services/cloudwatch/alarms/wording.h"

namespace landfall::cloudwatch {
namespace {

std::string plural(std::int32_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string missing_words(const AlarmRecord& alarm, std::int32_t filled) {
  return fmt::format("{} {} treated as [{}]", plural(filled, "missing datapoint"),
                     filled == 1 ? "was" : "were",
                     alarm.treat_missing_data == "breaching" ? "Breaching" : "NonBreaching");
}

// "Threshold Crossed: 1 out of the last 1 datapoints [95.0 (21/11/26 18:00:00)] was greater than
// the threshold (90.0) (minimum 1 datapoint for OK -> ALARM transition)."
std::string reason_of(const AlarmRecord& alarm, AlarmState state, const std::vector<Point>& used,
                      std::int32_t filled) {
  if (used.empty()) {
    return fmt::format("Threshold Crossed: no datapoints were received for {} and {}.",
                       plural(alarm.evaluation_periods, "period"), missing_words(alarm, filled));
  }
  const bool crossed = state == AlarmState::alarm;
  std::string list;
  std::int32_t counted = 0;
  for (auto point = used.rbegin(); point != used.rend(); ++point) {
    if (breaches(alarm.comparison, point->value, alarm.threshold) != crossed) continue;
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", java_number(point->value),
                        short_time(point->time));
    ++counted;
  }
  const std::int32_t least =
      crossed ? alarm.to_alarm() : alarm.evaluation_periods - alarm.to_alarm() + 1;
  const std::string missing = filled > 0 && !alarm.treat_missing_data.empty() &&
                                      alarm.treat_missing_data != "missing" &&
                                      alarm.treat_missing_data != "ignore"
                                  ? fmt::format(" and {}", missing_words(alarm, filled))
                                  : "";
  return fmt::format(
      "Threshold Crossed: {} out of the last {} datapoint{} [{}] {} {}{} the threshold ({}){} "
      "(minimum {} for {} transition).",
      counted, used.size(), used.size() == 1 && counted != 1 ? "" : "s", list,
      counted == 1 ? "was" : "were", crossed ? "" : "not ", comparison_words(alarm.comparison),
      java_number(alarm.threshold), missing, plural(least, "datapoint"),
      crossed ? "OK -> ALARM" : "ALARM -> OK");
}

}  // namespace

bool breaches(const std::string& comparison, double value, double threshold) {
  if (comparison == "GreaterThanOrEqualToThreshold") return value >= threshold;
  if (comparison == "GreaterThanThreshold") return value > threshold;
  if (comparison == "LessThanThreshold") return value < threshold;
  return value <= threshold;
}

Verdict evaluate(const AlarmRecord& alarm, const std::vector<Evaluated>& points) {
  const std::int32_t wanted = alarm.evaluation_periods;
  Verdict out;
  // The most recent ones that are there, at most as many as the alarm evaluates.
  std::int32_t oldest_age = 0;  // 1: of the latest period
  std::int32_t breaching = 0;
  for (std::size_t i = points.size(); i-- > 0 && std::int32_t(out.used.size()) < wanted;) {
    if (!points[i].value) continue;
    out.used.insert(out.used.begin(), {points[i].time, *points[i].value});
    oldest_age = std::int32_t(points.size() - i);
    if (breaches(alarm.comparison, *points[i].value, alarm.threshold)) ++breaching;
  }
  const auto there = std::int32_t(out.used.size());
  const std::int32_t filled = wanted - there;
  const std::string& treat = alarm.treat_missing_data;
  const auto decide = [&](std::int32_t count) {
    out.state = count >= alarm.to_alarm() ? AlarmState::alarm : AlarmState::ok;
    out.reason = reason_of(alarm, *out.state, out.used, filled);
    return out;
  };
  if (filled == 0 || treat == "notBreaching") return decide(breaching);
  if (treat == "breaching") return decide(breaching + filled);
  if (there == 0) {
    if (treat == "ignore") return out;
    out.state = AlarmState::insufficient_data;
    out.reason = fmt::format("Insufficient Data: {} {} unknown.", plural(wanted, "datapoint"),
                             wanted == 1 ? "was" : "were");
    return out;
  }
  if (breaching >= alarm.to_alarm()) return decide(breaching);
  // "Avoiding premature transitions": all there is breaches. Old enough, that is an alarm; younger,
  // the next datapoint may still be a good one.
  if (breaching == there) {
    if (treat == "ignore") return out;
    if (oldest_age >= alarm.to_alarm()) {
      out.state = AlarmState::alarm;
      out.reason = reason_of(alarm, AlarmState::alarm, out.used, filled);
      return out;
    }
    out.state = AlarmState::ok;
    out.reason = fmt::format(
        "Threshold Crossed: {} out of the last {} {} {} the threshold ({}), fewer than the minimum "
        "of "
        "{} for OK -> ALARM transition.",
        breaching, plural(there, "datapoint"), breaching == 1 ? "was" : "were",
        comparison_words(alarm.comparison), java_number(alarm.threshold),
        plural(alarm.to_alarm(), "datapoint"));
    return out;
  }
  return decide(breaching);
}

std::string reason_data(const AlarmRecord& alarm, const std::vector<Evaluated>& points,
                        const Verdict& verdict, TimePoint now) {
  json::object out{{"version", "1.0"}, {"queryDate", long_time(now)}};
  if (!verdict.used.empty()) out["startDate"] = long_time(verdict.used.front().time);
  if (!alarm.unit.empty()) out["unit"] = alarm.unit;
  if (!alarm.statistic.empty()) out["statistic"] = alarm.statistic;
  if (!alarm.extended_statistic.empty()) out["extendedStatistic"] = alarm.extended_statistic;
  out["period"] = alarm.period_s;
  json::array recent;
  for (const Point& point : verdict.used) recent.push_back(point.value);
  out["recentDatapoints"] = std::move(recent);
  out["threshold"] = alarm.threshold;
  json::array evaluated;
  for (std::size_t i = points.size(); i-- > 0 && evaluated.size() < 10;) {
    json::object entry{{"timestamp", long_time(points[i].time)}};
    if (points[i].value) entry["value"] = *points[i].value;
    if (points[i].value) evaluated.push_back(std::move(entry));
  }
  if (!evaluated.empty()) out["evaluatedDatapoints"] = std::move(evaluated);
  return java_json(out);
}

}  // namespace landfall::cloudwatch
