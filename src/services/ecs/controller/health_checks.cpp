#include "services/ecs/controller/health_checks.h"

namespace landfall::ecs {
namespace {

constexpr Millis kEager = std::chrono::seconds(2);

host::ExecRequest request(const HealthCheck& check) {
  host::ExecRequest out;
  if (check.command.front() == "CMD-SHELL") {
    out.argv = {"/bin/sh", "-c", check.command.size() > 1 ? check.command[1] : ""};
  } else {
    out.argv.assign(check.command.begin() + 1, check.command.end());
  }
  out.timeout = std::chrono::seconds(check.timeout.value_or(5));
  return out;
}

}  // namespace

Health HealthChecks::state(const std::string& container) const {
  const auto found = states_.find(container);
  return found == states_.end() ? Health::unknown : found->second.health;
}

std::string HealthChecks::last_output(const std::string& container) const {
  const auto found = states_.find(container);
  return found == states_.end() ? "" : found->second.output;
}

void HealthChecks::watch(const std::string& container, const HealthCheck& check,
                         TimePoint started_at, Health known, std::function<void()> changed) {
  if (check.command.size() < 2) return;
  if (!states_.try_emplace(container, State{known, ""}).second) return;
  scope_.spawn("health check of " + container,
               run(container, check, started_at, std::move(changed)));
}

task<void> HealthChecks::run(std::string container, HealthCheck check, TimePoint started_at,
                             std::function<void()> changed) {
  const Millis interval = std::chrono::seconds(check.interval.value_or(30));
  const Millis start_period = std::chrono::seconds(check.start_period.value_or(0));
  int failures = 0;
  TimePoint counted{};
  for (bool first = true;; first = false) {
    const Health before = state(container);
    co_await loop_.sleep_for(first                       ? Millis(200)
                             : before == Health::unknown ? std::min(interval, kEager)
                                                         : interval);
    if (!states_.contains(container)) co_return;
    auto result = co_await containers_.exec(container, request(check));
    const auto found = states_.find(container);
    if (found == states_.end()) co_return;
    if (!result && (result.error().code == "container-unknown" ||
                    result.error().code == "container-not-running"))
      co_return;
    if (result && result->ok()) {
      failures = 0;
      found->second = {Health::healthy, ""};
    } else {
      found->second.output = result ? result->output : result.error().message;
      const TimePoint now = clock_.now();
      const bool eager =
          found->second.health == Health::unknown && now - std::max(counted, started_at) < interval;
      if (!eager && now - started_at >= start_period) {
        counted = now;
        if (++failures >= check.retries.value_or(3)) found->second.health = Health::unhealthy;
      }
    }
    if (found->second.health != before) changed();
  }
}

}  // namespace landfall::ecs
