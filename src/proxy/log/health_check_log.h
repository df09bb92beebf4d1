// The health check log of one load balancer: a line for every check of a target.
// docs: load-balancer-health-check-logs
#pragma once

#include "proxy/log/log_files.h"

namespace landfall::proxy {

struct HealthCheckLine {
  std::string_view type;      // http, https, h2, grpc: constants
  std::int64_t begun_us = 0;  // unix time
  std::int64_t duration_us = 0;
  std::string target;  // "10.0.0.1:80"
  std::string group;   // its name
  bool passed = false;
  int code = -1;            // that the target answered with; -1: it did not
  std::string_view reason;  // a constant; empty: it passed
};

// One line without its line break.
std::string format_health_check(const HealthCheckLine& line, std::string_view balancer,
                                std::string_view node);

// Checks come from the first node only.
class HealthCheckLog final : public LogSource {
 public:
  HealthCheckLog(LogPlace place, std::string balancer, unsigned)
      : LogSource(std::move(place)), balancer_(std::move(balancer)) {}
  void set_nodes(std::vector<std::string> addresses);
  // Lines beyond the bound are dropped and counted.
  void push(HealthCheckLine line);
  Lines take() override;

 private:
  const std::string balancer_;
  std::mutex mutex_;
  std::string node_;
  std::vector<HealthCheckLine> lines_;
};

}  // namespace landfall::proxy
