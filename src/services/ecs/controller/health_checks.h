// Container health checks: the definition's command, run inside the container again and again.
//
// As Docker does it: unhealthy after `retries` failures in a row, failures within the start period
// do not count, one success makes healthy. Ours: until the first success the command runs every two
// seconds at most (without counting more failures for it), so that a deployment need not wait for a
// whole interval.
#pragma once

#include <map>

#include "host/containers/containers.h"
#include "services/ecs/records.h"
#include "wire/ecs/types.h"

namespace landfall::ecs {

class HealthChecks {
 public:
  HealthChecks(io::Loop& loop, const Clock& clock, host::Containers& containers)
      : loop_(loop), clock_(clock), containers_(containers), scope_(loop) {}

  // Begins unless it is under way; ends when the container has. `changed` is called after every
  // change of state.
  void watch(const std::string& container, const HealthCheck& check, TimePoint started_at,
             Health known, std::function<void()> changed);
  Health state(const std::string& container) const;
  // What the latest failed check printed.
  std::string last_output(const std::string& container) const;
  void forget(const std::string& container) { states_.erase(container); }
  task<void> stop() { co_await scope_.stop(); }

 private:
  struct State {
    Health health = Health::unknown;
    std::string output;
  };
  task<void> run(std::string container, HealthCheck check, TimePoint started_at,
                 std::function<void()> changed);

  io::Loop& loop_;
  const Clock& clock_;
  host::Containers& containers_;
  std::map<std::string, State> states_;
  io::TaskScope scope_;
};

}  // namespace landfall::ecs
