// CloudWatch and what it depends on.
#pragma once

#include "base/random.h"
#include "services/cloudwatch/engine/metric_store.h"
#include "services/cloudwatch/records.h"
#include "store/table.h"
#include "wire/context.h"

namespace landfall::cloudwatch {

using AlarmRow = store::Row<AlarmRecord>;

struct Cloudwatch final : Port {
  Cloudwatch(io::Loop& event_loop, store::Store& state, const Clock& time, Random& chance,
             MetricStore& samples)
      : loop(event_loop), store(state), clock(time), random(chance), metrics(samples) {}

  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  MetricStore& metrics;
  std::vector<ActionHandler> handlers;
  // The evaluator's: an alarm was made, changed or deleted; it went into another state. Set before
  // the first request.
  std::function<void(const Scope& scope, const std::string& name)> alarm_changed;
  std::function<void(const Scope& scope, const std::string& name)> state_changed;

  store::Table<AlarmRecord> alarms(const Scope& scope) const;
  store::Table<HistoryRecord> history(const Scope& scope) const;
  store::Table<PendingAction> actions(const Scope& scope) const;
  store::Table<DashboardRecord> dashboards(const Scope& scope) const;
  std::optional<AlarmRow> find_alarm(const Scope& scope, const std::string& name) const;
  const ActionHandler* handler_of(const std::string& action) const;

  task<Result<void>> put(Scope scope, std::vector<Sample> samples) override;
  std::vector<Point> statistics(const Scope& scope, const StatisticQuery& query) const override;
  std::optional<AlarmView> alarm(const Scope& scope, const std::string& name) const override;
  std::vector<std::string> alarms_with_action(const Scope& scope,
                                              const std::string& action) const override;
  task<Result<void>> put_alarm(Scope scope, AlarmSettings settings) override;
  task<Result<void>> delete_alarms(Scope scope, std::vector<std::string> names) override;
  void add_action_handler(ActionHandler handler) override {
    handlers.push_back(std::move(handler));
  }
};

std::string alarm_arn(const Scope& scope, std::string_view name);
std::string alarm_id(std::string_view name);  // in the tables
AlarmView view_of(const Scope& scope, const AlarmRecord& alarm);

// What the store and the engine report, as the API says it.
Error to_api(Error error);
std::unexpected<Error> invalid(std::string message);  // ValidationError

}  // namespace landfall::cloudwatch
