#include "services/cloudwatch/service.h"

#include "base/bytes.h"
#include "services/cloudwatch/alarms/configure.h"

namespace landfall::cloudwatch {
namespace {

template <class T>
store::Table<T> table(store::Store& store, const Scope& scope, std::string_view name) {
  return {store, fmt::format("{}{}/{}/{}/", kKeyPrefix, scope.account, scope.region, name)};
}

}  // namespace

std::string_view to_text(AlarmState state) {
  switch (state) {
    case AlarmState::ok:
      return "OK";
    case AlarmState::alarm:
      return "ALARM";
    case AlarmState::insufficient_data:
      return "INSUFFICIENT_DATA";
  }
  return "";
}

const std::vector<std::string>& AlarmRecord::actions() const {
  return state == AlarmState::ok      ? ok_actions
         : state == AlarmState::alarm ? alarm_actions
                                      : insufficient_data_actions;
}

std::string alarm_arn(const Scope& scope, std::string_view name) {
  return fmt::format("arn:aws:cloudwatch:{}:{}:alarm:{}", scope.region, scope.account, name);
}

std::string alarm_id(std::string_view name) { return percent_encode(name); }

AlarmView view_of(const Scope& scope, const AlarmRecord& alarm) {
  return {.name = alarm.name,
          .arn = alarm_arn(scope, alarm.name),
          .state = alarm.state,
          .reason = alarm.reason,
          .changed = alarm.transitioned,
          .composite = alarm.composite};
}

Error to_api(Error error) {
  if (error.code == "metrics-full") return {"LimitExceeded", std::move(error.message), 400};
  if (error.code == "metrics-busy") return {"Throttling", "Rate exceeded", 400};
  return error;
}

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

store::Table<AlarmRecord> Cloudwatch::alarms(const Scope& scope) const {
  return table<AlarmRecord>(store, scope, "alarms");
}
store::Table<HistoryRecord> Cloudwatch::history(const Scope& scope) const {
  return table<HistoryRecord>(store, scope, "history");
}
store::Table<PendingAction> Cloudwatch::actions(const Scope& scope) const {
  return table<PendingAction>(store, scope, "actions");
}
store::Table<DashboardRecord> Cloudwatch::dashboards(const Scope& scope) const {
  return table<DashboardRecord>(store, scope, "dashboards");
}

std::optional<AlarmRow> Cloudwatch::find_alarm(const Scope& scope, const std::string& name) const {
  return alarms(scope).get(alarm_id(name));
}

const ActionHandler* Cloudwatch::handler_of(const std::string& action) const {
  for (const ActionHandler& handler : handlers) {
    if (action.starts_with(handler.prefix)) return &handler;
  }
  return nullptr;
}

task<Result<void>> Cloudwatch::put(Scope scope, std::vector<Sample> samples) {
  return metrics.put(std::move(scope), std::move(samples));
}

std::vector<Point> Cloudwatch::statistics(const Scope& scope, const StatisticQuery& query) const {
  const auto statistic = Statistic::parse(query.statistic);
  const std::int64_t from_s = to_unix_ms(query.from) / 1000;
  const std::int64_t to_s = to_unix_ms(query.to) / 1000;
  if (!statistic || query.period_s <= 0 || to_s <= from_s) return {};
  const std::int64_t unit_s = query.period_s % 60 == 0 ? 60 : 1;
  const Window window{.from_s = from_s - from_s % unit_s,
                      .period_s = query.period_s,
                      .count = std::size_t((to_s - from_s + query.period_s - 1) / query.period_s)};
  std::vector<Point> out;
  std::int64_t time_s = window.from_s;
  for (const Bucket& bucket : metrics.read(scope, query.metric, query.unit, window)) {
    if (const auto value = statistic->of(bucket))
      out.push_back({from_unix_ms(time_s * 1000), *value});
    time_s += query.period_s;
  }
  return out;
}

std::optional<AlarmView> Cloudwatch::alarm(const Scope& scope, const std::string& name) const {
  const auto row = find_alarm(scope, name);
  if (!row) return {};
  return view_of(scope, row->value);
}

std::vector<std::string> Cloudwatch::alarms_with_action(const Scope& scope,
                                                        const std::string& action) const {
  std::vector<std::string> out;
  for (const AlarmRow& row : alarms(scope).list()) {
    const AlarmRecord& alarm = row.value;
    for (const auto* actions :
         {&alarm.ok_actions, &alarm.alarm_actions, &alarm.insufficient_data_actions}) {
      if (std::ranges::find(*actions, action) == actions->end()) continue;
      out.push_back(alarm.name);
      break;
    }
  }
  std::ranges::sort(out);
  return out;
}

task<Result<void>> Cloudwatch::put_alarm(Scope scope, AlarmSettings settings) {
  AlarmRecord record = record_of(std::move(settings));
  LF_CO_OK(check_alarm(*this, scope, record));
  co_return co_await write_alarm(*this, std::move(scope), std::move(record), clock.now());
}

task<Result<void>> Cloudwatch::delete_alarms(Scope scope, std::vector<std::string> names) {
  co_return co_await remove_alarms(*this, std::move(scope), std::move(names), clock.now());
}

}  // namespace landfall::cloudwatch
