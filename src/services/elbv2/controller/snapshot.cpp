#include "services/elbv2/controller/snapshot.h"

#include "services/elbv2/attributes.h"
#include "services/elbv2/authentication.h"
#include "services/elbv2/rules.h"
#include "services/elbv2/ssl_policies.h"

namespace landfall::elbv2 {
namespace {

proxy::Protocol to_proxy(std::string_view protocol) {
  if (protocol == "HTTPS") return proxy::Protocol::https;
  if (protocol == "TCP") return proxy::Protocol::tcp;
  return protocol == "TLS" ? proxy::Protocol::tls : proxy::Protocol::http;
}

std::vector<std::string> plain(const wire::List<std::string>& list) {
  return {list.begin(), list.end()};
}

std::optional<proxy::TlsSettings> tls_of(const Inventory& inventory,
                                         const ListenerRecord& listener) {
  proxy::TlsSettings out;
  const auto fallback = inventory.certificates.find(listener.certificate);
  if (fallback == inventory.certificates.end()) return {};
  out.certificates.push_back(fallback->second);
  for (const std::string& arn : listener.certificates) {
    const auto found = inventory.certificates.find(arn);
    if (found != inventory.certificates.end()) out.certificates.push_back(found->second);
  }
  if (const SecurityPolicy* policy = find_policy(listener.ssl_policy)) {
    out.minimum_version = policy->minimum_version;
    out.maximum_version = policy->maximum_version;
    out.ciphers = openssl_ciphers(*policy);
    out.ciphersuites = openssl_ciphersuites(*policy);
  }
  return out;
}

std::optional<proxy::Listener> listener_of(const Inventory& inventory,
                                           const ListenerRecord& record) {
  proxy::Listener out;
  out.id = record.arn();
  out.protocol = to_proxy(record.protocol);
  out.port = std::uint16_t(record.port);
  if (record.secure()) {
    auto tls = tls_of(inventory, record);
    if (!tls) return {};
    out.tls = std::move(*tls);
  }
  if (record.client_certificates == "passthrough")
    out.mutual_tls.mode = proxy::ClientCertificates::passthrough;
  if (record.client_certificates == "verify") {
    const auto trusted = inventory.trust_stores.find(record.trust_store);
    if (trusted == inventory.trust_stores.end()) return {};  // nobody could be let in
    out.mutual_tls = trusted->second;
    out.mutual_tls.mode = proxy::ClientCertificates::verify;
    out.mutual_tls.ignore_expiry = record.ignore_client_certificate_expiry;
    out.mutual_tls.advertise_authorities = record.advertise_authorities;
  }
  read_listener_attributes(record, out);
  std::vector<const RuleRecord*> rules;
  for (const RuleRecord& rule : inventory.rules)
    if (rule.listener_key == record.key()) rules.push_back(&rule);
  std::ranges::sort(rules, {}, &RuleRecord::priority);
  for (const RuleRecord* rule : rules) {
    proxy::Rule& made = out.rules.emplace_back();
    made.priority = rule->priority;
    for (const RuleCondition& condition : rule->conditions)
      made.conditions.push_back(to_proxy(condition));
    made.action = to_proxy(rule->actions);
    for (const RuleTransform& transform : rule->transforms)
      made.transforms.push_back(to_proxy(transform));
  }
  out.rules.emplace_back().action = to_proxy(record.default_actions);
  for (const Published& published : inventory.published) {
    const bool meant = published.balancer == record.load_balancer_name &&
                       published.listener_port == record.port &&
                       (published.region.empty() || published.region == record.region);
    if (meant) out.publications.push_back({published.at.address, published.at.port});
  }
  return out;
}

proxy::LoadBalancer balancer_of(const LoadBalancerRecord& record, const LogFolders& logs) {
  proxy::LoadBalancer out;
  out.id = record.arn();
  out.name = fmt::format("{}/{}/{}", record.application() ? "app" : "net", record.name, record.id);
  const AttributeOwner owner = attribute_owner(record);
  if (!record.application()) {
    out.idle_timeout_seconds = 350;
    return out;
  }
  const auto value = [&](std::string_view key) { return attribute(owner, record.attributes, key); };
  const auto flag = [&](std::string_view key) {
    return attribute_flag(owner, record.attributes, key);
  };
  out.idle_timeout_seconds =
      attribute_number(owner, record.attributes, "idle_timeout.timeout_seconds");
  out.client_keep_alive_seconds =
      attribute_number(owner, record.attributes, "client_keep_alive.seconds");
  const std::string desync = value("routing.http.desync_mitigation_mode");
  out.desync_mode = desync == "monitor"     ? proxy::DesyncMode::monitor
                    : desync == "strictest" ? proxy::DesyncMode::strictest
                                            : proxy::DesyncMode::defensive;
  out.drop_invalid_header_fields = flag("routing.http.drop_invalid_header_fields.enabled");
  out.preserve_host_header = flag("routing.http.preserve_host_header.enabled");
  const std::string forwarded = value("routing.http.xff_header_processing.mode");
  out.forwarded_for = forwarded == "preserve" ? proxy::ForwardedForMode::preserve
                      : forwarded == "remove" ? proxy::ForwardedForMode::remove
                                              : proxy::ForwardedForMode::append;
  out.forwarded_for_client_port = flag("routing.http.xff_client_port.enabled");
  out.tls_version_and_cipher_headers =
      flag("routing.http.x_amzn_tls_version_and_cipher_suite.enabled");
  out.http2 = flag("routing.http2.enabled");
  out.access_log = log_place(logs, record, "access_logs");
  out.connection_log = log_place(logs, record, "connection_logs");
  out.health_check_log = log_place(logs, record, "health_check_logs");
  return out;
}

proxy::HealthCheck check_of(const HealthCheckRecord& record) {
  proxy::HealthCheck out;
  out.enabled = record.enabled;
  out.protocol = to_proxy(record.protocol);
  out.port = record.port == "traffic-port" ? 0 : std::uint16_t(std::stoi(record.port));
  out.path = record.path;
  out.interval_seconds = record.interval_seconds;
  out.timeout_seconds = record.timeout_seconds;
  out.healthy_threshold = record.healthy_threshold;
  out.unhealthy_threshold = record.unhealthy_threshold;
  out.matcher = record.grpc_codes.empty() ? record.http_codes : record.grpc_codes;
  return out;
}

void read_group_attributes(const TargetGroupRecord& record, proxy::TargetGroup& out) {
  const AttributeOwner owner = attribute_owner(record);
  const auto value = [&](std::string_view key) { return attribute(owner, record.attributes, key); };
  const auto number = [&](std::string_view key) {
    return attribute_number(owner, record.attributes, key);
  };
  out.deregistration_delay_seconds = number("deregistration_delay.timeout_seconds");
  const std::string healthy =
      "target_group_health.unhealthy_state_routing.minimum_healthy_targets.";
  out.minimum_healthy_count = number(healthy + "count");
  out.minimum_healthy_percentage = number(healthy + "percentage");  // "off" reads as 0
  const bool sticky = value("stickiness.enabled") == "true";
  if (!record.application()) {
    out.stickiness = sticky ? proxy::Stickiness::source_ip : proxy::Stickiness::off;
    out.proxy_protocol_v2 = value("proxy_protocol_v2.enabled") == "true";
    out.end_deregistered = value("deregistration_delay.connection_termination.enabled") == "true";
    out.end_unhealthy =
        value("target_health_state.unhealthy.connection_termination.enabled") == "true";
    return;
  }
  const std::string algorithm = value("load_balancing.algorithm.type");
  out.algorithm = algorithm == "least_outstanding_requests"
                      ? proxy::Algorithm::least_outstanding_requests
                  : algorithm == "weighted_random" ? proxy::Algorithm::weighted_random
                                                   : proxy::Algorithm::round_robin;
  out.slow_start_seconds = number("slow_start.duration_seconds");
  if (!sticky) return;
  const bool app = value("stickiness.type") == "app_cookie";
  out.stickiness = app ? proxy::Stickiness::app_cookie : proxy::Stickiness::lb_cookie;
  out.stickiness_seconds = number(app ? "stickiness.app_cookie.duration_seconds"
                                      : "stickiness.lb_cookie.duration_seconds");
  if (app) out.stickiness_cookie = value("stickiness.app_cookie.cookie_name");
}

proxy::TargetGroup group_of(const TargetGroupRecord& record,
                            const std::vector<TargetRecord>& targets,
                            const std::set<std::string>& zones) {
  proxy::TargetGroup out;
  out.id = record.arn();
  out.protocol = to_proxy(record.protocol);
  out.version = record.protocol_version == "GRPC"    ? proxy::ProtocolVersion::grpc
                : record.protocol_version == "HTTP2" ? proxy::ProtocolVersion::http2
                                                     : proxy::ProtocolVersion::http1;
  out.health_check = check_of(record.health_check);
  read_group_attributes(record, out);
  for (const TargetRecord& target : targets) {
    if (target.zone != "all" && !zones.contains(target.zone)) continue;
    proxy::Target& made = out.targets.emplace_back();
    made.id = target.id;
    made.address = target.address;
    made.port = std::uint16_t(target.port);
    if (target.zone != "all") made.zone = target.zone;
    if (target.deregistered_at) made.deregistered_ms = to_unix_ms(*target.deregistered_at);
  }
  return out;
}

}  // namespace

// docs: load-balancer-access-logs and load-balancer-connection-logs, "file names"
proxy::LogPlace log_place(const LogFolders& folders, const LoadBalancerRecord& balancer,
                          std::string_view kind) {
  const AttributeOwner owner = attribute_owner(balancer);
  const std::string key = fmt::format("{}.s3.", kind);
  if (!attribute_flag(owner, balancer.attributes, key + "enabled")) return {};
  const std::string prefix = attribute(owner, balancer.attributes, key + "prefix");
  proxy::LogPlace out;
  out.folder = fmt::format("{}/{}{}{}/AWSLogs/{}/elasticloadbalancing/{}", folders.buckets,
                           attribute(owner, balancer.attributes, key + "bucket"),
                           prefix.empty() ? "" : "/", prefix, balancer.account, balancer.region);
  out.prefix = fmt::format("{}{}_elasticloadbalancing_{}_app.{}.{}",
                           kind == "connection_logs"     ? "conn_log."
                           : kind == "health_check_logs" ? "health_check_log_"
                                                         : "",
                           balancer.account, balancer.region, balancer.name, balancer.id);
  out.unfinished = folders.unfinished;
  return out;
}

proxy::Condition to_proxy(const RuleCondition& condition) {
  using Field = proxy::ConditionField;
  proxy::Condition out;
  const std::string field = condition.field.value_or("");
  if (field == "host-header" || field == "path-pattern") {
    out.field = field == "host-header" ? Field::host_header : Field::path_pattern;
    out.values = plain(condition.values);
    out.regexes = plain(condition.regex_values);
  } else if (field == "http-header" && condition.http_header_config) {
    out.field = Field::http_header;
    out.name = condition.http_header_config->http_header_name.value_or("");
    out.values = plain(condition.http_header_config->values);
    out.regexes = plain(condition.http_header_config->regex_values);
  } else if (field == "http-request-method" && condition.http_request_method_config) {
    out.field = Field::http_request_method;
    out.values = plain(condition.http_request_method_config->values);
  } else if (field == "query-string" && condition.query_string_config) {
    out.field = Field::query_string;
    for (const QueryStringKeyValuePair& pair : condition.query_string_config->values)
      out.pairs.push_back({pair.key.value_or(""), pair.value.value_or("")});
  } else if (field == "source-ip" && condition.source_ip_config) {
    out.field = Field::source_ip;
    out.values = plain(condition.source_ip_config->values);
  }
  return out;
}

proxy::Transform to_proxy(const RuleTransform& transform) {
  const bool host = transform.host_header_rewrite_config.has_value();
  proxy::Transform out;
  out.kind = host ? proxy::TransformKind::host_header : proxy::TransformKind::url;
  const auto& rewrites = host ? transform.host_header_rewrite_config->rewrites
                              : transform.url_rewrite_config->rewrites;
  for (const RewriteConfig& rewrite : rewrites) {
    out.regex = rewrite.regex;
    out.replace = rewrite.replace;
  }
  return out;
}

proxy::Action to_proxy(const wire::List<Action>& actions) {
  const Action& action = final_action(actions);
  proxy::Action out;
  if (action.type == "forward" && action.forward_config) {
    out.kind = proxy::ActionKind::forward;
    for (const TargetGroupTuple& tuple : action.forward_config->target_groups)
      out.groups.push_back({tuple.target_group_arn.value_or(""), tuple.weight.value_or(1)});
    const auto& sticky = action.forward_config->target_group_stickiness_config;
    if (sticky && sticky->enabled.value_or(false))
      out.group_stickiness_seconds = sticky->duration_seconds.value_or(0);
  } else if (action.type == "redirect" && action.redirect_config) {
    out.kind = proxy::ActionKind::redirect;
    const RedirectActionConfig& to = *action.redirect_config;
    out.protocol = to.protocol.value_or(out.protocol);
    out.host = to.host.value_or(out.host);
    out.port = to.port.value_or(out.port);
    out.path = to.path.value_or(out.path);
    out.query = to.query.value_or(out.query);
    out.status = to.status_code == "HTTP_301" ? 301 : 302;
  } else if (action.fixed_response_config) {
    out.kind = proxy::ActionKind::fixed_response;
    out.status = std::stoi(action.fixed_response_config->status_code);
    out.content_type = action.fixed_response_config->content_type.value_or("text/plain");
    out.body = action.fixed_response_config->message_body.value_or("");
  }
  add_authentication(actions, out);
  return out;
}

void add_to_snapshot(proxy::Snapshot& snapshot, const Inventory& inventory,
                     const LogFolders& logs) {
  for (const LoadBalancerRecord& record : inventory.load_balancers) {
    proxy::LoadBalancer balancer = balancer_of(record, logs);
    std::set<std::string> zones, groups;
    for (const NodeRecord& node : record.nodes) {
      const auto place = inventory.namespaces.find(node.interface_id);
      if (node.interface_id.empty() || place == inventory.namespaces.end()) continue;
      balancer.nodes.push_back({place->second, node.private_address, node.zone});
      zones.insert(node.zone);
    }
    if (balancer.nodes.empty()) continue;
    for (const ListenerRecord& listener : inventory.listeners) {
      if (listener.load_balancer_id != record.id) continue;
      auto made = listener_of(inventory, listener);
      if (!made) continue;
      for (const proxy::Rule& rule : made->rules)
        for (const proxy::WeightedGroup& group : rule.action.groups) groups.insert(group.group);
      balancer.listeners.push_back(std::move(*made));
    }
    snapshot.load_balancers.push_back(std::move(balancer));
    for (const TargetGroupRecord& group : inventory.target_groups) {
      if (!groups.contains(group.arn())) continue;
      const auto targets = inventory.targets.find(group.id);
      static const std::vector<TargetRecord> kNone;
      snapshot.target_groups.push_back(
          group_of(group, targets == inventory.targets.end() ? kNone : targets->second, zones));
    }
  }
}

}  // namespace landfall::elbv2
