#include "proxy/log/health_check_log.h"

#include "proxy/log/format.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kMostLines = 16384;  // between two rounds of the writer

}  // namespace

std::string format_health_check(const HealthCheckLine& line, std::string_view balancer,
                                std::string_view node) {
  return fmt::format("{} {} {:.9f} {} {} {} {} {} {} {}", line.type, log_time(line.begun_us),
                     static_cast<double>(line.duration_us) / 1e6, line.target, line.group,
                     line.passed ? "PASS" : "FAIL",
                     line.code < 0 ? std::string("-") : std::to_string(line.code),
                     or_dash(line.reason), balancer, or_dash(node));
}

void HealthCheckLog::set_nodes(std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  node_ = addresses.empty() ? std::string() : std::move(addresses.front());
}

void HealthCheckLog::push(HealthCheckLine line) {
  const std::lock_guard lock(mutex_);
  if (lines_.size() >= kMostLines) return drop(1);
  lines_.push_back(std::move(line));
}

LogSource::Lines HealthCheckLog::take() {
  const std::lock_guard lock(mutex_);
  Lines out;
  if (lines_.empty()) return out;
  std::string& text = out[node_.empty() ? "-" : node_];
  for (const HealthCheckLine& line : lines_)
    text.append(format_health_check(line, balancer_, node_)).append("\n");
  lines_.clear();
  return out;
}

}  // namespace landfall::proxy
