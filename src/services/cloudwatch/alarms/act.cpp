// The part of the evaluator that runs the actions of transitions.
#include "base/log.h"
#include "services/cloudwatch/alarms/evaluator.h"
#include "services/cloudwatch/alarms/history.h"
#include "services/cloudwatch/alarms/transition.h"

namespace landfall::cloudwatch {
namespace {

constexpr Millis kLook = std::chrono::seconds(5);
constexpr Millis kActionTimeout = std::chrono::seconds(30);
constexpr Millis kTriedFor = std::chrono::hours(1);
constexpr Millis kMostPause = std::chrono::minutes(5);

bool worth_another_try(const Error& error) {
  return error.code == "timeout" || error.code == "retry" || error.code == "disk-full" ||
         error.code.ends_with("-busy");
}

}  // namespace

task<void> Evaluator::run_actions_forever() {
  while (true) {
    co_await run_actions();
    (void)co_await acting_.wait_for(kLook);
  }
}

task<void> Evaluator::run_actions() {
  std::vector<std::pair<Scope, std::string>> waiting;
  const TimePoint now = cloudwatch_.clock.now();
  for (const Scope& scope : scopes_) {
    for (const auto& row : cloudwatch_.actions(scope).list()) {
      const Attempt& attempt = attempts_[{scope, row.id}];
      // A clock that was set back must not make it wait for ever.
      if (attempt.running || (attempt.next > now && attempt.next - now <= kMostPause)) continue;
      waiting.emplace_back(scope, row.id);
    }
  }
  for (const auto& [scope, id] : waiting) co_await run_action(scope, id);
}

task<void> Evaluator::run_action(Scope scope, std::string id) {
  const auto table = cloudwatch_.actions(scope);
  const auto row = table.get(id);
  if (!row) co_return;
  const PendingAction& action = row->value;
  attempts_[{scope, id}].running = true;
  Result<void> done = fail("no-handler", "Landfall does not serve this action");
  if (const ActionHandler* handler = cloudwatch_.handler_of(action.action)) {
    done = co_await io::with_timeout(loop_, kActionTimeout,
                                     handler->invoke(action.action, transition_of(scope, action)));
  }
  const TimePoint now = cloudwatch_.clock.now();
  Attempt& attempt = attempts_[{scope, id}];
  attempt.running = false;
  if (!done && worth_another_try(done.error()) && now - action.time < kTriedFor) {
    attempt.next = now + std::min<Millis>(kMostPause,
                                          std::chrono::seconds(1 << std::min(attempt.failures, 8)));
    ++attempt.failures;
    co_return;
  }
  if (!done)
    log::warning("alarms", "{}: {} failed: {}", action.alarm, action.action, done.error().message);
  auto written = co_await cloudwatch_.store.commit(
      {{}, {table.remove(id), history_of_action(cloudwatch_, scope, action, done, now)}});
  if (written) attempts_.erase({scope, id});
}

}  // namespace landfall::cloudwatch
