// What CloudWatch keeps in the store, per account and region: alarms/<name>, history/<name>/<time>,
// actions/<sequence>, dashboards/<name>; names percent-encoded. Samples are in engine/.
#pragma once

#include "base/record.h"
#include "services/cloudwatch/port.h"
#include "wire/cloudwatch/types.h"

namespace landfall::cloudwatch {

struct AlarmRecord {
  std::string name;
  std::string description;
  bool composite = false;
  bool actions_enabled = true;
  std::vector<std::string> ok_actions;
  std::vector<std::string> alarm_actions;
  std::vector<std::string> insufficient_data_actions;

  // Metric alarms: one metric, or expressions over several.
  MetricKey metric;
  std::string statistic;           // one of the five, or
  std::string extended_statistic;  // "p99"
  std::string unit;
  std::int32_t period_s = 0;
  std::vector<MetricDataQuery> queries;
  std::int32_t evaluation_periods = 0;
  std::int32_t datapoints_to_alarm = 0;  // 0: not given, all of them
  double threshold = 0;
  std::string comparison;
  std::string treat_missing_data;   // empty: not given
  std::string low_sample_handling;  // "evaluate", "ignore"; empty: not given

  // Composite alarms.
  std::string rule;

  std::map<std::string, std::string> tags;
  TimePoint configured{};

  AlarmState state = AlarmState::insufficient_data;
  std::string reason = "Unchecked: Initial alarm creation";
  std::string reason_data;
  TimePoint updated{};       // the state or its reason
  TimePoint transitioned{};  // the state

  const std::vector<std::string>& actions() const;  // of the present state
  std::int32_t to_alarm() const {
    return datapoints_to_alarm ? datapoints_to_alarm : evaluation_periods;
  }
};
LF_RECORD(MetricKey, space, name, dimensions)
LF_RECORD(AlarmRecord, name, description, composite, actions_enabled, ok_actions, alarm_actions,
          insufficient_data_actions, metric, statistic, extended_statistic, unit, period_s, queries,
          evaluation_periods, datapoints_to_alarm, threshold, comparison, treat_missing_data,
          low_sample_handling, rule, tags, configured, state, reason, reason_data, updated,
          transitioned)

struct HistoryRecord {
  std::string alarm;
  bool composite = false;
  TimePoint time{};
  std::string type;  // "ConfigurationUpdate", "StateUpdate", "Action"
  std::string summary;
  std::string data;  // JSON
};
LF_RECORD(HistoryRecord, alarm, composite, time, type, summary, data)

// An action that a transition has called for, kept until it is done.
struct PendingAction {
  std::string action;
  std::string alarm;
  std::string arn;
  bool composite = false;
  AlarmState state = AlarmState::ok;
  AlarmState previous = AlarmState::ok;
  std::string reason;
  TimePoint time{};
  std::optional<double> threshold;
  std::string comparison;
  std::vector<std::int64_t> recent_ms;
  std::vector<double> recent;
  std::string message;
  std::string subject;
};
LF_RECORD(PendingAction, action, alarm, arn, composite, state, previous, reason, time, threshold,
          comparison, recent_ms, recent, message, subject)

struct DashboardRecord {
  std::string name;
  std::string body;
  TimePoint modified{};
};
LF_RECORD(DashboardRecord, name, body, modified)

}  // namespace landfall::cloudwatch
