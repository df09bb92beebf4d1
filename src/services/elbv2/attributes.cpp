#include "services/elbv2/attributes.h"

#include <charconv>
#include <set>

#include "base/check.h"
#include "proxy/http1/head.h"

namespace landfall::elbv2 {
namespace {

struct Allowed {
  enum class Kind {
    flag,
    number,  // low..high, and `choices` beside it
    choice,  // one of `choices`, separated by '|'
    text,    // at most `high` characters
    bucket,  // a bucket's name, or nothing
    prefix,  // of a key, or nothing
    header,  // the value of a response header, or nothing
    name,    // of a request header; nothing means the default
    fixed,   // the default only: anything else would be recorded and not happen
  } kind = Kind::fixed;
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::string_view choices = {};
};

struct Entry {
  std::string_view key;
  std::string_view fallback;
  Allowed rule;
};

using Kind = Allowed::Kind;
constexpr Allowed kFlag{Kind::flag};
constexpr Allowed kFixed{Kind::fixed};
constexpr Allowed kBucket{Kind::bucket};
constexpr Allowed kPrefix{Kind::prefix};
constexpr Allowed kHeader{Kind::header};
constexpr Allowed kName{Kind::name};
constexpr Allowed number(std::int64_t low, std::int64_t high, std::string_view also = {}) {
  return {Kind::number, low, high, also};
}
constexpr Allowed choice(std::string_view choices) { return {Kind::choice, 0, 0, choices}; }
constexpr Allowed text(std::int64_t most) { return {Kind::text, 0, most}; }

constexpr Entry kApplicationLoadBalancer[] = {
    {"access_logs.s3.bucket", "", kBucket},
    {"access_logs.s3.enabled", "false", kFlag},
    {"access_logs.s3.prefix", "", kPrefix},
    {"client_keep_alive.seconds", "3600", number(60, 604800)},
    {"connection_logs.s3.bucket", "", kBucket},
    {"connection_logs.s3.enabled", "false", kFlag},
    {"connection_logs.s3.prefix", "", kPrefix},
    {"deletion_protection.enabled", "false", kFlag},
    {"health_check_logs.s3.bucket", "", kBucket},
    {"health_check_logs.s3.enabled", "false", kFlag},
    {"health_check_logs.s3.prefix", "", kPrefix},
    {"idle_timeout.timeout_seconds", "60", number(1, 4000)},
    {"load_balancing.cross_zone.enabled", "true", kFixed},
    {"routing.http.desync_mitigation_mode", "defensive", choice("monitor|defensive|strictest")},
    {"routing.http.drop_invalid_header_fields.enabled", "false", kFlag},
    {"routing.http.preserve_host_header.enabled", "false", kFlag},
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", kFlag},
    {"routing.http.xff_client_port.enabled", "false", kFlag},
    {"routing.http.xff_header_processing.mode", "append", choice("append|preserve|remove")},
    {"routing.http2.enabled", "true", kFlag},
    {"waf.fail_open.enabled", "false", kFixed},
    {"zonal_shift.config.enabled", "false", kFixed},
};

constexpr Entry kNetworkLoadBalancer[] = {
    {"access_logs.s3.bucket", "", text(255)},
    {"access_logs.s3.enabled", "false", kFixed},
    {"access_logs.s3.prefix", "", text(1024)},
    {"deletion_protection.enabled", "false", kFlag},
    {"dns_record.client_routing_policy", "any_availability_zone", kFixed},
    {"load_balancing.cross_zone.enabled", "false", kFlag},
    {"secondary_ips.auto_assigned.per_subnet", "0", kFixed},
    {"zonal_shift.config.enabled", "false", kFixed},
};

constexpr Entry kApplicationTargetGroup[] = {
    {"deregistration_delay.timeout_seconds", "300", number(0, 3600)},
    {"load_balancing.algorithm.anomaly_mitigation", "off", kFixed},
    {"load_balancing.algorithm.type", "round_robin",
     choice("round_robin|least_outstanding_requests|weighted_random")},
    {"load_balancing.cross_zone.enabled", "use_load_balancer_configuration",
     choice("use_load_balancer_configuration|true")},
    {"slow_start.duration_seconds", "0", number(30, 900, "0")},
    {"stickiness.app_cookie.cookie_name", "", text(4096)},
    {"stickiness.app_cookie.duration_seconds", "86400", number(1, 604800)},
    {"stickiness.enabled", "false", kFlag},
    {"stickiness.lb_cookie.duration_seconds", "86400", number(1, 604800)},
    {"stickiness.type", "lb_cookie", choice("lb_cookie|app_cookie")},
    {"target_group_health.dns_failover.minimum_healthy_targets.count", "1", kFixed},
    {"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", kFixed},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1",
     number(1, 1000)},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off",
     number(1, 100, "off")},
};

constexpr Entry kNetworkTargetGroup[] = {
    {"deregistration_delay.connection_termination.enabled", "false", kFlag},
    {"deregistration_delay.timeout_seconds", "300", number(0, 3600)},
    {"load_balancing.cross_zone.enabled", "use_load_balancer_configuration",
     choice("use_load_balancer_configuration|true|false")},
    {"preserve_client_ip.enabled", "false", kFixed},
    {"proxy_protocol_v2.enabled", "false", kFlag},
    {"stickiness.enabled", "false", kFlag},
    {"stickiness.type", "source_ip", choice("source_ip")},
    {"target_group_health.dns_failover.minimum_healthy_targets.count", "1", kFixed},
    {"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", kFixed},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1",
     number(1, 1000)},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off",
     number(1, 100, "off")},
    {"target_health_state.unhealthy.connection_termination.enabled", "true", kFlag},
    {"target_health_state.unhealthy.draining_interval_seconds", "0", kFixed},
};

// Response headers that a listener adds or overrides, and the names of request headers.
#define LF_RESPONSE_HEADERS                                                              \
  {"routing.http.response.access_control_allow_credentials.header_value", "", kHeader},  \
      {"routing.http.response.access_control_allow_headers.header_value", "", kHeader},  \
      {"routing.http.response.access_control_allow_methods.header_value", "", kHeader},  \
      {"routing.http.response.access_control_allow_origin.header_value", "", kHeader},   \
      {"routing.http.response.access_control_expose_headers.header_value", "", kHeader}, \
      {"routing.http.response.access_control_max_age.header_value", "", kHeader},        \
      {"routing.http.response.content_security_policy.header_value", "", kHeader},       \
      {"routing.http.response.server.enabled", "true", kFlag},                           \
      {"routing.http.response.strict_transport_security.header_value", "", kHeader},     \
      {"routing.http.response.x_content_type_options.header_value", "", kHeader}, {      \
    "routing.http.response.x_frame_options.header_value", "", kHeader                    \
  }

constexpr Entry kHttpListener[] = {LF_RESPONSE_HEADERS};

constexpr Entry kHttpsListener[] = {
    {"routing.http.request.x_amzn_mtls_clientcert.header_name", "X-Amzn-Mtls-Clientcert", kName},
    {"routing.http.request.x_amzn_mtls_clientcert_issuer.header_name",
     "X-Amzn-Mtls-Clientcert-Issuer", kName},
    {"routing.http.request.x_amzn_mtls_clientcert_leaf.header_name", "X-Amzn-Mtls-Clientcert-Leaf",
     kName},
    {"routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name",
     "X-Amzn-Mtls-Clientcert-Serial-Number", kName},
    {"routing.http.request.x_amzn_mtls_clientcert_subject.header_name",
     "X-Amzn-Mtls-Clientcert-Subject", kName},
    {"routing.http.request.x_amzn_mtls_clientcert_validity.header_name",
     "X-Amzn-Mtls-Clientcert-Validity", kName},
    {"routing.http.request.x_amzn_tls_cipher_suite.header_name", "X-Amzn-Tls-Cipher-Suite", kName},
    {"routing.http.request.x_amzn_tls_version.header_name", "X-Amzn-Tls-Version", kName},
    LF_RESPONSE_HEADERS};
#undef LF_RESPONSE_HEADERS

constexpr Entry kTcpListener[] = {{"tcp.idle_timeout.seconds", "350", number(60, 6000)}};

std::span<const Entry> entries(AttributeOwner owner) {
  switch (owner) {
    case AttributeOwner::application_load_balancer:
      return kApplicationLoadBalancer;
    case AttributeOwner::network_load_balancer:
      return kNetworkLoadBalancer;
    case AttributeOwner::application_target_group:
      return kApplicationTargetGroup;
    case AttributeOwner::network_target_group:
      return kNetworkTargetGroup;
    case AttributeOwner::http_listener:
      return kHttpListener;
    case AttributeOwner::https_listener:
      return kHttpsListener;
    case AttributeOwner::tcp_listener:
      return kTcpListener;
    case AttributeOwner::tls_listener:
      return {};
  }
  return {};
}

std::string_view kind_of(AttributeOwner owner) {
  switch (owner) {
    case AttributeOwner::application_load_balancer:
    case AttributeOwner::network_load_balancer:
      return "Load balancer";
    case AttributeOwner::application_target_group:
    case AttributeOwner::network_target_group:
      return "Target group";
    default:
      return "Listener";
  }
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (true) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == choices.npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

// Its parts become folders.
bool is_prefix(std::string_view prefix) {
  return prefix.empty() ||
         (prefix.size() <= 256 && !prefix.contains("AWSLogs") && is_file_key(prefix));
}

// docs: header-modification, limitations
bool is_header_value(std::string_view value) {
  constexpr std::string_view kMarks = "_ :;.,\\/'?!(){}[]@<>=-+*#&`|~^%";
  const auto good = [&](unsigned char c) { return std::isalnum(c) || kMarks.contains(char(c)); };
  return value.size() <= 1024 && std::ranges::all_of(value, good) && !value.starts_with(' ') &&
         !value.ends_with(' ');
}

// Not one that has a meaning of its own on the way to the target.
bool is_header_name(std::string_view name) {
  const auto good = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
  return name.size() <= 1024 && std::ranges::all_of(name, good) &&
         proxy::http1::name_of(name) == proxy::http1::Name::other;
}

// What the value must be; empty when it is that.
std::string complaint(const Entry& entry, std::string_view value) {
  const Allowed& rule = entry.rule;
  switch (rule.kind) {
    case Kind::flag:
      return value == "true" || value == "false" ? "" : "must be 'true' or 'false'";
    case Kind::number: {
      std::int64_t parsed = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
      const bool whole = error == std::errc() && end == value.data() + value.size();
      if (whole && parsed >= rule.low && parsed <= rule.high) return "";
      if (!rule.choices.empty() && is_choice(rule.choices, value)) return "";
      return fmt::format("must be an integer between {} and {}{}", rule.low, rule.high,
                         rule.choices.empty() ? "" : fmt::format(", or '{}'", rule.choices));
    }
    case Kind::choice: {
      if (is_choice(rule.choices, value)) return "";
      std::string shown(rule.choices);
      for (std::size_t at; (at = shown.find('|')) != shown.npos;) shown.replace(at, 1, ", ");
      return fmt::format("must be one of: {}", shown);
    }
    case Kind::text: {
      const bool printable =
          std::ranges::all_of(value, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
      if (printable && value.size() <= std::size_t(rule.high)) return "";
      return fmt::format("must have at most {} printable characters", rule.high);
    }
    case Kind::bucket:
      return value.empty() || is_bucket_name(value) ? "" : "must be the name of an S3 bucket";
    case Kind::prefix:
      return is_prefix(value) ? ""
                              : "must have at most 256 characters of a key, without 'AWSLogs', and "
                                "no '/' at its ends";
    case Kind::header:
      return is_header_value(value) ? ""
                                    : "must have at most 1024 characters: letters, digits, spaces "
                                      "and _:;.,\\/'?!(){}[]@<>=-+*#&`|~^%";
    case Kind::name:
      return is_header_name(value) ? ""
                                   : "must be the name of an HTTP header: letters, digits, '-' and "
                                     "'_'; and none that the load balancer itself needs";
    case Kind::fixed:
      return value == entry.fallback ? ""
                                     : fmt::format("can only be '{}' in Landfall", entry.fallback);
  }
  return "";
}

}  // namespace

bool is_bucket_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return name.size() >= 3 && name.size() <= 63 && std::ranges::all_of(name, good) &&
         name.front() != '.' && name.front() != '-' && name.back() != '.' && name.back() != '-' &&
         !name.contains("..");
}

bool is_file_key(std::string_view key) {
  const auto good = [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '\\'; };
  if (key.size() > 1024 || !std::ranges::all_of(key, good)) return false;
  while (true) {
    const std::size_t slash = key.find('/');
    const std::string_view part = key.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == key.npos) return true;
    key.remove_prefix(slash + 1);
  }
}

AttributeOwner attribute_owner(const LoadBalancerRecord& load_balancer) {
  return load_balancer.application() ? AttributeOwner::application_load_balancer
                                     : AttributeOwner::network_load_balancer;
}

AttributeOwner attribute_owner(const TargetGroupRecord& group) {
  return group.application() ? AttributeOwner::application_target_group
                             : AttributeOwner::network_target_group;
}

AttributeOwner attribute_owner(const ListenerRecord& listener) {
  if (listener.protocol == "HTTP") return AttributeOwner::http_listener;
  if (listener.protocol == "HTTPS") return AttributeOwner::https_listener;
  return listener.protocol == "TLS" ? AttributeOwner::tls_listener : AttributeOwner::tcp_listener;
}

Attributes with_defaults(AttributeOwner owner, const Attributes& set) {
  Attributes out;
  for (const Entry& entry : entries(owner)) {
    const auto found = set.find(std::string(entry.key));
    out[std::string(entry.key)] = found == set.end() ? std::string(entry.fallback) : found->second;
  }
  return out;
}

std::string attribute(AttributeOwner owner, const Attributes& set, std::string_view key) {
  if (const auto found = set.find(std::string(key)); found != set.end()) return found->second;
  const auto all = entries(owner);
  const auto entry = std::ranges::find(all, key, &Entry::key);
  CHECK(entry != all.end());
  return std::string(entry->fallback);
}

int attribute_number(AttributeOwner owner, const Attributes& set, std::string_view key) {
  const std::string value = attribute(owner, set, key);
  int out = 0;
  std::from_chars(value.data(), value.data() + value.size(), out);
  return out;
}

bool attribute_flag(AttributeOwner owner, const Attributes& set, std::string_view key) {
  return attribute(owner, set, key) == "true";
}

Result<void> set_attributes(AttributeOwner owner, Attributes& set,
                            const std::vector<std::pair<std::string, std::string>>& changes) {
  Attributes changed = set;
  const auto all = entries(owner);
  for (const auto& [key, value] : changes) {
    const auto entry = std::ranges::find(all, key, &Entry::key);
    if (entry == all.end()) {
      return fail("ValidationError",
                  fmt::format("{} attribute key '{}' is not recognized", kind_of(owner), key));
    }
    if (const std::string what = complaint(*entry, value); !what.empty()) {
      return fail("ValidationError", fmt::format("{} attribute '{}': the value '{}' {}",
                                                 kind_of(owner), key, value, what));
    }
    changed[key] = value;
    if (entry->rule.kind == Kind::name && value.empty()) changed.erase(key);
  }
  for (const std::string kind :
       {"access_logs.s3.", "connection_logs.s3.", "health_check_logs.s3."}) {
    if (owner != AttributeOwner::application_load_balancer) break;
    if (!attribute_flag(owner, changed, kind + "enabled")) continue;
    if (!attribute(owner, changed, kind + "bucket").empty()) continue;
    return fail(
        "ValidationError",
        fmt::format("The value of '{}bucket' cannot be empty when these logs are enabled", kind));
  }
  if (owner == AttributeOwner::application_target_group) {
    if (attribute(owner, changed, "load_balancing.algorithm.type") != "round_robin" &&
        attribute(owner, changed, "slow_start.duration_seconds") != "0") {
      return fail("ValidationError",
                  "Slow start is only supported with the round_robin routing algorithm");
    }
    if (attribute_flag(owner, changed, "stickiness.enabled") &&
        attribute(owner, changed, "stickiness.type") == "app_cookie" &&
        attribute(owner, changed, "stickiness.app_cookie.cookie_name").empty()) {
      return fail("ValidationError",
                  "Application-based stickiness needs 'stickiness.app_cookie.cookie_name'");
    }
  }
  if (owner == AttributeOwner::https_listener) {
    std::set<std::string> names;
    for (const Entry& entry : all) {
      if (entry.rule.kind != Kind::name) continue;
      std::string name = attribute(owner, changed, entry.key);
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return char(std::tolower(c)); });
      if (!names.insert(name).second)
        return fail("ValidationError", fmt::format("Two headers cannot have the name '{}'", name));
    }
  }
  set = std::move(changed);
  return {};
}

}  // namespace landfall::elbv2
