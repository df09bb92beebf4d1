// What other services may ask of CloudWatch: to keep their metrics, to read them, to watch alarms,
// and to be called when an alarm changes its state.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::cloudwatch {

struct MetricKey {
  std::string space;                              // the namespace: "AWS/ECS"
  std::string name;                               // "CPUUtilization"
  std::map<std::string, std::string> dimensions;  // at most 30
  auto operator<=>(const MetricKey&) const = default;
};

struct Summary {
  double sample_count = 0;
  double sum = 0;
  double minimum = 0;
  double maximum = 0;
};

struct Sample {
  MetricKey metric;
  // Zero: when it is put. Not older than two weeks nor more than two hours ahead.
  TimePoint time{};
  std::string unit = "None";  // StandardUnit: "Percent", "Count", "Milliseconds", "Count/Second"
  // Each value and how often it occurred; they make percentiles.
  std::vector<std::pair<double, double>> values = {};
  // Beside or instead of values: no percentiles, but as cheap as one value.
  std::optional<Summary> summary = {};
  bool high_resolution = false;  // kept by the second for three hours, too
};

struct StatisticQuery {
  MetricKey metric;
  // "Average", "Sum", "Minimum", "Maximum", "SampleCount", "p99", "p99.9", "tm90", ...
  std::string statistic = "Average";
  // Seconds: 1, 5, 10, 20, 30 (high resolution) or a multiple of 60.
  std::int64_t period_s = 60;
  TimePoint from{};       // inclusive; periods are counted from here
  TimePoint to{};         // exclusive
  std::string unit = {};  // empty: whatever was put
};

struct Point {
  TimePoint time{};  // when its period begins
  double value = 0;
};

enum class AlarmState { ok, alarm, insufficient_data };
std::string_view to_text(AlarmState state);  // "OK", "ALARM", "INSUFFICIENT_DATA"

struct AlarmView {
  std::string name;
  std::string arn;
  AlarmState state = AlarmState::insufficient_data;
  std::string reason;   // in AWS's words
  TimePoint changed{};  // when it became what it is
  bool composite = false;
};

// One entry of an alarm's Metrics: a metric or an expression over the others.
struct AlarmQuery {
  std::string id;          // "m1"
  std::string expression;  // empty: the metric below
  MetricKey metric = {};
  std::string statistic = "Average";
  std::int64_t period_s = 60;
  std::string unit = {};
  std::string label = {};
  bool return_data = false;  // true for exactly one: what is compared with the threshold
};

// A metric alarm as a service makes it for its own use (target tracking).
struct AlarmSettings {
  std::string name;
  std::string description;
  // Over an expression; then metric, statistic, unit and period_s are not used.
  std::vector<AlarmQuery> queries = {};
  MetricKey metric = {};
  std::string statistic = "Average";  // or "p99"
  std::string unit = {};              // empty: whatever was put
  std::int64_t period_s = 60;
  std::int32_t evaluation_periods = 1;
  std::int32_t datapoints_to_alarm = 0;  // 0: evaluation_periods
  double threshold = 0;
  std::string comparison = "GreaterThanThreshold";
  std::string treat_missing_data = "missing";   // "breaching", "notBreaching", "ignore"
  std::vector<std::string> alarm_actions = {};  // ARNs
  std::vector<std::string> ok_actions = {};
  std::vector<std::string> insufficient_data_actions = {};
};

// What an action learns. `recent` are the datapoints that were evaluated, oldest first; empty for
// composite alarms and states that were set by hand.
struct AlarmTransition {
  Scope scope;
  AlarmView alarm;
  AlarmState previous = AlarmState::insufficient_data;
  std::optional<double> threshold = {};
  std::string comparison = {};
  std::vector<Point> recent = {};
  std::string message = {};  // the JSON that AWS sends to SNS topics
  std::string subject = {};  // its subject: 'ALARM: "name" in US West (N. California)'
  // 0 at the transition; n: called for the nth minute that the alarm stays in its state (only
  // where the handler wants that).
  int repetition = 0;
};

struct ActionHandler {
  // Actions whose ARN begins so: "arn:aws:sns:", "arn:aws:autoscaling:".
  std::string prefix;
  // Called again for every minute that the alarm stays in its state, as scaling policies are.
  bool repeats = false;
  // Decides when an alarm is put; empty: every ARN will do.
  std::function<Result<void>(const Scope& scope, const std::string& action)> check = {};
  // Must be idempotent: after a crash it may be called again for the same transition. An error is
  // noted in the alarm's history; "timeout" and "retry" are tried again for a while.
  std::function<task<Result<void>>(std::string action, AlarmTransition transition)> invoke;
};

class Port {
 public:
  virtual ~Port() = default;

  // Durable when it returns; samples of many metrics in one call are one write. Names and values
  // are taken as they are (values that are not finite are dropped). Errors: "disk-full",
  // "metrics-busy" (too much waits for the disk; try again), "metrics-failed".
  virtual task<Result<void>> put(Scope scope, std::vector<Sample> samples) = 0;

  // Oldest first; periods without data are left out. Reads from memory and the page cache: meant
  // for a scaling policy's few dozen periods.
  virtual std::vector<Point> statistics(const Scope& scope, const StatisticQuery& query) const = 0;

  // None: there is no such alarm.
  virtual std::optional<AlarmView> alarm(const Scope& scope, const std::string& name) const = 0;
  // Names of the alarms that have `action` for any state; in order.
  virtual std::vector<std::string> alarms_with_action(const Scope& scope,
                                                      const std::string& action) const = 0;
  // Makes or replaces it; a replaced alarm keeps its state. Errors in the words of PutMetricAlarm.
  virtual task<Result<void>> put_alarm(Scope scope, AlarmSettings settings) = 0;
  // Names that are not there are passed over.
  virtual task<Result<void>> delete_alarms(Scope scope, std::vector<std::string> names) = 0;

  // Before the server starts.
  virtual void add_action_handler(ActionHandler handler) = 0;
};

// The alarm whose record is kept at this key of the store; none: it is another record's.
struct AlarmKey {
  Scope scope;
  std::string name;
};
std::optional<AlarmKey> parse_alarm_key(std::string_view key);
inline constexpr std::string_view kKeyPrefix = "/cloudwatch/";

}  // namespace landfall::cloudwatch
