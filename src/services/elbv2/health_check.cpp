#include "services/elbv2/health_check.h"

#include <charconv>

namespace landfall::elbv2 {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

std::optional<int> whole_number(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return out;
}

// "200", "200,202", "200-299,404": each between low and high.
bool good_matcher(std::string_view text, int low, int high) {
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t dash = item.find('-');
    const auto first = whole_number(item.substr(0, dash));
    const auto last = dash == item.npos ? first : whole_number(item.substr(dash + 1));
    if (!first || !last || *first < low || *last > high || *first > *last) return false;
    if (comma == text.npos) return true;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

HealthCheckRecord default_health_check(const TargetGroupRecord& group) {
  HealthCheckRecord out;
  if (group.application()) {
    const bool grpc = group.protocol_version == "GRPC";
    out.path = grpc ? "/AWS.ALB/healthcheck" : "/";
    (grpc ? out.grpc_codes : out.http_codes) = grpc ? "12" : "200";
  } else {
    out.protocol = "TCP";
    out.timeout_seconds = 10;
  }
  return out;
}

Result<void> change_health_check(TargetGroupRecord& group, const HealthCheckChange& change) {
  HealthCheckRecord check = group.health_check;
  if (change.enabled) check.enabled = *change.enabled;
  if (!check.enabled) return invalid("Health checks cannot be disabled for this target type");
  if (change.protocol && *change.protocol != check.protocol) {
    const bool tcp = *change.protocol == "TCP";
    const bool http = *change.protocol == "HTTP" || *change.protocol == "HTTPS";
    if (!http && !(tcp && !group.application())) {
      return invalid(fmt::format("Health check protocol '{}' must be one of '{}'", *change.protocol,
                                 group.application() ? "HTTP, HTTPS" : "TCP, HTTP, HTTPS"));
    }
    // Between HTTP and HTTPS everything else stays.
    if (tcp || check.protocol == "TCP") {
      check.path = tcp ? "" : "/";
      check.http_codes = tcp ? "" : "200-399";
      if (!change.timeout_seconds)
        check.timeout_seconds = tcp ? 10 : *change.protocol == "HTTP" ? 6 : 10;
    }
    check.protocol = *change.protocol;
  }
  const bool tcp = check.protocol == "TCP";
  if (change.port) {
    const auto number = whole_number(*change.port);
    if (*change.port != "traffic-port" && (!number || *number < 1 || *number > 65535)) {
      return invalid(fmt::format(
          "Health check port '{}' must be between 1 and 65535, or 'traffic-port'", *change.port));
    }
    check.port = *change.port;
  }
  if (change.path) {
    if (tcp) return invalid("Health check path is not supported with protocol TCP");
    const bool plain =
        std::ranges::all_of(*change.path, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    if (!change.path->starts_with('/') || change.path->size() > 1024 || !plain) {
      return invalid(
          fmt::format("Health check path '{}' must begin with a '/' and have at most "
                      "1024 characters",
                      *change.path));
    }
    check.path = *change.path;
  }
  if (change.interval_seconds) check.interval_seconds = *change.interval_seconds;
  if (change.timeout_seconds) check.timeout_seconds = *change.timeout_seconds;
  if (change.healthy_threshold) check.healthy_threshold = *change.healthy_threshold;
  if (change.unhealthy_threshold) check.unhealthy_threshold = *change.unhealthy_threshold;
  if (check.interval_seconds < 5 || check.interval_seconds > 300)
    return invalid("Health check interval must be between 5 and 300 seconds");
  if (check.timeout_seconds < 2 || check.timeout_seconds > 120)
    return invalid("Health check timeout must be between 2 and 120 seconds");
  if (check.timeout_seconds >= check.interval_seconds && group.application()) {
    return invalid(fmt::format("Health check timeout '{}' must be smaller than the interval '{}'",
                               check.timeout_seconds, check.interval_seconds));
  }
  for (const int threshold : {check.healthy_threshold, check.unhealthy_threshold}) {
    if (threshold < 2 || threshold > 10)
      return invalid("A health check threshold must be between 2 and 10");
  }
  if (change.matcher) {
    const bool grpc = group.protocol_version == "GRPC";
    const auto& codes = grpc ? change.matcher->grpc_code : change.matcher->http_code;
    if (!codes || (change.matcher->http_code && change.matcher->grpc_code)) {
      return invalid(grpc ? "A target group of protocol version GRPC has GrpcCode as matcher"
                          : "Only HttpCode can be the matcher of this target group");
    }
    if (tcp) return invalid("A matcher is not supported with health check protocol TCP");
    if (!(grpc ? good_matcher(*codes, 0, 99)
               : good_matcher(*codes, 200, group.application() ? 499 : 599))) {
      return invalid(fmt::format("Health check matcher '{}' is not valid", *codes));
    }
    (grpc ? check.grpc_codes : check.http_codes) = *codes;
  }
  group.health_check = std::move(check);
  return {};
}

}  // namespace landfall::elbv2
