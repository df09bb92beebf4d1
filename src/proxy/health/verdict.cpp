#include "proxy/health/verdict.h"

namespace landfall::proxy {

std::string_view health_text(Health health) {
  switch (health) {
    case Health::initial:
      return "initial";
    case Health::healthy:
      return "healthy";
    case Health::unhealthy:
      return "unhealthy";
    case Health::unavailable:
      return "unavailable";
  }
  return "unavailable";
}

bool Verdict::take(const CheckResult& result, const HealthCheck& spec) {
  const Health before = health_;
  checked_ = true;
  if (result.kind == CheckResult::Kind::passed) {
    failures_ = 0;
    ++passes_;
    // A new target needs one success only.
    if (health_ == Health::initial || passes_ >= spec.healthy_threshold) health_ = Health::healthy;
  } else {
    passes_ = 0;
    ++failures_;
    last_failure_ = result;
    if (failures_ >= spec.unhealthy_threshold) health_ = Health::unhealthy;
  }
  return health_ != before;
}

void Verdict::describe(TargetHealth& out) const {
  out.state = health_text(health_);
  switch (health_) {
    case Health::initial:
      out.reason = checked_ ? "Elb.InitialHealthChecking" : "Elb.RegistrationInProgress";
      out.description =
          checked_ ? "Initial health checks in progress" : "Target registration is in progress";
      break;
    case Health::unhealthy:
      switch (last_failure_.kind) {
        case CheckResult::Kind::code_mismatch:
          out.reason = "Target.ResponseCodeMismatch";
          out.description =
              fmt::format("Health checks failed with these codes: [{}]", last_failure_.code);
          break;
        case CheckResult::Kind::timed_out:
          out.reason = "Target.Timeout";
          out.description = "Request timed out";
          break;
        default:
          out.reason = "Target.FailedHealthChecks";
          out.description = "Health checks failed";
          break;
      }
      break;
    case Health::healthy:
    case Health::unavailable:
      break;
  }
}

}  // namespace landfall::proxy
