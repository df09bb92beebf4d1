#include "services/cloudwatch/alarms/history.h"

#include "services/cloudwatch/alarms/wording.h"

namespace landfall::cloudwatch {
namespace {

constexpr Millis kKept = std::chrono::hours(30 * 24);
constexpr std::size_t kMostItems = 1000;  // of an alarm
constexpr std::size_t kMostDataBytes = 4095;

json::value text(std::string_view words) { return json::string(words.data(), words.size()); }

json::object state_of(const AlarmRecord& alarm) {
  json::object out{{"stateValue", text(to_text(alarm.state))}, {"stateReason", alarm.reason}};
  if (!alarm.reason_data.empty()) {
    boost::system::error_code error;
    json::value data = json::parse(alarm.reason_data, error);
    if (!error) out["stateReasonData"] = std::move(data);
  }
  return out;
}

store::Operation put(Cloudwatch& cloudwatch, const Scope& scope, HistoryRecord item) {
  if (item.data.size() > kMostDataBytes) item.data = "{\"version\":\"1.0\"}";
  // The time orders the items of an alarm; what is random tells two of one millisecond apart.
  const std::string id = fmt::format("{}/{:013}-{}", alarm_id(item.alarm), to_unix_ms(item.time),
                                     cloudwatch.random.hex(8));
  return cloudwatch.history(scope).put(id, item);
}

}  // namespace

store::Operation history_of_configuration(Cloudwatch& cloudwatch, const Scope& scope,
                                          const AlarmRecord& alarm, const std::string& what,
                                          TimePoint now) {
  json::object configuration{{"alarmName", alarm.name},
                             {"alarmArn", alarm_arn(scope, alarm.name)},
                             {"actionsEnabled", alarm.actions_enabled},
                             {"stateValue", text(to_text(alarm.state))}};
  if (alarm.composite) {
    configuration["alarmRule"] = alarm.rule;
  } else {
    configuration["threshold"] = alarm.threshold;
    configuration["comparisonOperator"] = alarm.comparison;
    configuration["evaluationPeriods"] = alarm.evaluation_periods;
    if (alarm.queries.empty()) {
      configuration["namespace"] = alarm.metric.space;
      configuration["metricName"] = alarm.metric.name;
      configuration["period"] = alarm.period_s;
    }
  }
  std::string type = what;
  type[0] = char(std::toupper(static_cast<unsigned char>(type[0])));
  if (type.ends_with("d")) type.pop_back();  // "Create", "Update", "Delete"
  const json::object data{
      {"version", "1.0"}, {"type", type}, {what + "Alarm", std::move(configuration)}};
  return put(cloudwatch, scope,
             {.alarm = alarm.name,
              .composite = alarm.composite,
              .time = now,
              .type = "ConfigurationUpdate",
              .summary = fmt::format("Alarm \"{}\" {}", alarm.name, what),
              .data = java_json(data)});
}

store::Operation history_of_state(Cloudwatch& cloudwatch, const Scope& scope,
                                  const AlarmRecord& before, const AlarmRecord& after,
                                  TimePoint now) {
  const json::object data{
      {"version", "1.0"}, {"oldState", state_of(before)}, {"newState", state_of(after)}};
  return put(cloudwatch, scope,
             {.alarm = after.name,
              .composite = after.composite,
              .time = now,
              .type = "StateUpdate",
              .summary = fmt::format("Alarm updated from {} to {}", to_text(before.state),
                                     to_text(after.state)),
              .data = java_json(data)});
}

store::Operation history_of_action(Cloudwatch& cloudwatch, const Scope& scope,
                                   const PendingAction& action, const Result<void>& done,
                                   TimePoint now) {
  json::object data{{"actionState", done ? "Succeeded" : "Failed"},
                    {"stateUpdateTimestamp", to_unix_ms(action.time)},
                    {"notificationResource", action.action}};
  std::string summary = fmt::format("Successfully executed action {}", action.action);
  if (!done) {
    summary = fmt::format("Failed to execute action {}. Received error: \"{}\"", action.action,
                          done.error().message);
    data["error"] = done.error().message;
  }
  if (summary.size() > 255) summary.resize(255);
  return put(cloudwatch, scope,
             {.alarm = action.alarm,
              .composite = action.composite,
              .time = now,
              .type = "Action",
              .summary = std::move(summary),
              .data = java_json(data)});
}

task<Result<void>> sweep_history(Cloudwatch& cloudwatch, TimePoint now) {
  std::vector<store::Operation> old;
  const std::string oldest = fmt::format("{:013}", to_unix_ms(now - kKept));
  std::string alarm;
  std::vector<std::string> keys;  // of one alarm, oldest first
  const auto finish = [&] {
    for (std::size_t i = 0; i + kMostItems < keys.size(); ++i)
      old.push_back(store::Delete{keys[i]});
    keys.clear();
  };
  for (const store::KeyValue& kv : cloudwatch.store.range("/cloudwatch/")) {
    const std::size_t slash = kv.key.rfind('/');
    if (kv.key.find("/history/") == kv.key.npos) continue;
    if (kv.key.substr(0, slash) != alarm) {
      finish();
      alarm = kv.key.substr(0, slash);
    }
    if (kv.key.substr(slash + 1) < oldest) {
      old.push_back(store::Delete{kv.key});
    } else {
      keys.push_back(kv.key);
    }
  }
  finish();
  if (old.empty()) co_return Result<void>();
  LF_CO_OK(co_await cloudwatch.store.commit({{}, std::move(old)}));
  co_return Result<void>();
}

}  // namespace landfall::cloudwatch
