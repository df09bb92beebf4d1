// Watches the alarms: looks at each when its window moves on (every minute; every ten seconds for
// periods below one) and soon after data of its metric has come, and runs the actions that
// transitions have called for.
//
// What is due follows from the wall clock and the alarm's state from its samples alone, so a
// restart or a clock that jumps changes nothing but the moment.
#pragma once

#include <set>

#include "services/cloudwatch/alarms/rule.h"
#include "services/cloudwatch/queries.h"
#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

class Evaluator {
 public:
  Evaluator(io::Loop& loop, Cloudwatch& cloudwatch);
  void start();
  task<void> stop();

  // For tests, and what start() does again and again: evaluates what is due.
  task<void> tick();
  // Runs what waits; resumes when it has been tried.
  task<void> run_actions();

 private:
  struct Watched {
    std::int64_t step_s = 60;  // how often its window moves
    bool composite = false;
    std::vector<MetricKey> metrics;
    std::set<std::string> children;  // names
    bool dirty = true;
    std::int64_t window_end_s = -1;
    // Actions that go on while the alarm stays in its state.
    std::int64_t repeated_s = 0;
    int repetition = 0;
    bool repeating = false;
  };
  using Place = std::pair<Scope, std::string>;

  void load();
  void watch(const Scope& scope, const std::string& name);
  void forget(const Place& place);
  void data_came(const Scope& scope, const MetricKey& metric);
  void state_changed(const Scope& scope, const std::string& name);
  task<Result<bool>> look(Place place, std::int64_t now_s);
  task<Result<bool>> look_at_metric(Place place, AlarmRow row, std::int64_t end_s);
  task<Result<bool>> look_at_rule(Place place, AlarmRow row);
  void repeat(const Place& place, Watched& watched, std::int64_t now_s);
  task<void> invoke_again(Place place, std::vector<PendingAction> actions, int repetition);
  task<void> run();
  task<void> run_actions_forever();
  task<void> keep_house();
  task<void> run_action(Scope scope, std::string id);

  io::Loop& loop_;
  Cloudwatch& cloudwatch_;
  io::TaskScope scope_;
  io::Event acting_;
  std::map<Place, Watched> watched_;
  std::set<Scope> scopes_;  // where an action may wait
  std::map<std::pair<Scope, MetricKey>, std::set<std::string>> by_metric_;
  struct Attempt {
    int failures = 0;
    TimePoint next{};
    bool running = false;
  };
  std::map<std::pair<Scope, std::string>, Attempt> attempts_;
};

}  // namespace landfall::cloudwatch
