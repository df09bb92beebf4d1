// A target's health from the results of its checks: AWS's thresholds, states and reason codes.
// docs: target-group-health-checks
#pragma once

#include "proxy/config.h"
#include "proxy/protocol.h"
#include "proxy/state/targets.h"

namespace landfall::proxy {

struct CheckResult {
  enum class Kind : std::uint8_t { passed, code_mismatch, timed_out, failed, not_begun };
  Kind kind = Kind::failed;
  int code = -1;  // that it answered with, also when it passed; -1: none
};

class Verdict {
 public:
  // True when the state changed.
  bool take(const CheckResult& result, const HealthCheck& spec);
  Health health() const { return health_; }
  // Goes on from what a predecessor found.
  void restore(Health health) { health_ = health; }
  bool checked() const { return checked_; }
  // State, reason and description.
  void describe(TargetHealth& out) const;

 private:
  Health health_ = Health::initial;
  bool checked_ = false;
  int passes_ = 0;    // in a row
  int failures_ = 0;  // in a row
  CheckResult last_failure_;
};

std::string_view health_text(Health health);

}  // namespace landfall::proxy
