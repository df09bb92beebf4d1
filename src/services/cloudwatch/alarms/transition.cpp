#include "services/cloudwatch/alarms/transition.h"

#include "base/log.h"
#include "services/cloudwatch/alarms/history.h"
#include "services/cloudwatch/alarms/wording.h"

namespace landfall::cloudwatch {

PendingAction pending_action(const Scope& scope, const AlarmRecord& alarm, AlarmState previous,
                             const std::string& action, const std::vector<Point>& recent,
                             TimePoint time) {
  PendingAction out{.action = action,
                    .alarm = alarm.name,
                    .arn = alarm_arn(scope, alarm.name),
                    .composite = alarm.composite,
                    .state = alarm.state,
                    .previous = previous,
                    .reason = alarm.reason,
                    .time = time,
                    .threshold = {},
                    .comparison = alarm.comparison,
                    .recent_ms = {},
                    .recent = {},
                    .message = notification(scope, alarm, previous, time),
                    .subject = notification_subject(scope, alarm)};
  if (!alarm.composite) out.threshold = alarm.threshold;
  for (const Point& point : recent) {
    out.recent_ms.push_back(to_unix_ms(point.time));
    out.recent.push_back(point.value);
  }
  return out;
}

task<Result<bool>> transition(Cloudwatch& cloudwatch, Scope scope, AlarmRow row, NewState next,
                              TimePoint now) {
  const AlarmRecord before = row.value;
  AlarmRecord& after = row.value;
  after.state = next.state;
  after.reason = next.reason;
  after.reason_data = next.reason_data;
  after.updated = now;
  if (before.state != next.state) after.transitioned = now;
  const auto table = cloudwatch.alarms(scope);
  store::Transaction change{
      {table.unchanged(row.id, row.revision)},
      {table.put(row.id, after), history_of_state(cloudwatch, scope, before, after, now)}};
  if (after.actions_enabled && before.state != after.state) {
    for (const std::string& action : after.actions()) {
      const std::string id = fmt::format("{:013}-{}", to_unix_ms(now), cloudwatch.random.hex(12));
      change.operations.push_back(cloudwatch.actions(scope).put(
          id, pending_action(scope, after, before.state, action, next.recent, now)));
    }
  }
  LF_CO_TRY(done, co_await cloudwatch.store.commit(std::move(change)));
  if (!done.succeeded) co_return false;
  log::info("alarms", "{} {} -> {}: {}", after.name, to_text(before.state), to_text(after.state),
            after.reason);
  if (cloudwatch.state_changed) cloudwatch.state_changed(scope, after.name);
  co_return true;
}

AlarmTransition transition_of(const Scope& scope, const PendingAction& action) {
  AlarmTransition out{.scope = scope,
                      .alarm = {.name = action.alarm,
                                .arn = action.arn,
                                .state = action.state,
                                .reason = action.reason,
                                .changed = action.time,
                                .composite = action.composite},
                      .previous = action.previous,
                      .threshold = action.threshold,
                      .comparison = action.comparison,
                      .message = action.message,
                      .subject = action.subject};
  for (std::size_t i = 0; i < action.recent.size() && i < action.recent_ms.size(); ++i)
    out.recent.push_back({from_unix_ms(action.recent_ms[i]), action.recent[i]});
  return out;
}

}  // namespace landfall::cloudwatch
