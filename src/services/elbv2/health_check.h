// Health check settings of a target group, as CreateTargetGroup and ModifyTargetGroup take them.
#pragma once

#include "services/elbv2/records.h"

namespace landfall::elbv2 {

struct HealthCheckChange {
  std::optional<std::string> protocol, port, path;
  std::optional<bool> enabled;
  std::optional<std::int32_t> interval_seconds, timeout_seconds, healthy_threshold,
      unhealthy_threshold;
  std::optional<Matcher> matcher;
};

// AWS's defaults for the group's protocol and version.
HealthCheckRecord default_health_check(const TargetGroupRecord& group);
// Error: ValidationError.
Result<void> change_health_check(TargetGroupRecord& group, const HealthCheckChange& change);

template <class Input>
HealthCheckChange health_check_change(const Input& in) {
  return {in.health_check_protocol,
          in.health_check_port,
          in.health_check_path,
          in.health_check_enabled,
          in.health_check_interval_seconds,
          in.health_check_timeout_seconds,
          in.healthy_threshold_count,
          in.unhealthy_threshold_count,
          in.matcher};
}

}  // namespace landfall::elbv2
