// What is known of targets' health, in AWS's words.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#pragma once

#include <map>
#include <string>

#include "base/clock.h"

namespace landfall::elbv2 {

struct Health {
  std::string state;   // "initial", "healthy", "unhealthy", "unused", "draining", "unavailable"
  std::string reason;  // "Target.Timeout"; empty when healthy
  std::string description;  // a sentence; empty when healthy
  TimePoint since{};        // when `state` became what it is
  bool operator==(const Health&) const = default;
};

// By target_key(): "<target group id>/<target id>:<port>". Absent: not checked yet.
using HealthTable = std::map<std::string, Health, std::less<>>;

}  // namespace landfall::elbv2
