#include "services/elbv2/shapes.h"

#include "base/bytes.h"
#include "services/elbv2/authentication.h"
#include "services/elbv2/rules.h"

namespace landfall::elbv2 {

std::string hosted_zone_id(std::string_view region, std::string_view type) {
  // AWS has one per region and type; ours are made of the same two words.
  std::string digits = sha256_hex(fmt::format("hosted-zone {} {}", region, type)).substr(0, 12);
  std::ranges::transform(digits, digits.begin(),
                         [](char c) { return c >= 'a' && c <= 'f' ? char(c - 32) : c; });
  return "Z" + digits;
}

wire::List<AvailabilityZone> zones_of(const LoadBalancerRecord& record) {
  wire::List<AvailabilityZone> out;
  for (const NodeRecord& node : record.nodes) {
    AvailabilityZone& zone = out.emplace_back();
    zone.zone_name = node.zone;
    zone.subnet_id = node.subnet_id;
    zone.load_balancer_addresses.present = true;
    // AWS names the addresses of network load balancers only.
    if (record.application() || (node.public_address.empty() && node.wanted_address.empty()))
      continue;
    LoadBalancerAddress& address = zone.load_balancer_addresses.emplace_back();
    if (!node.public_address.empty()) address.ip_address = node.public_address;
    if (!node.wanted_address.empty()) address.private_i_pv4_address = node.wanted_address;
  }
  return out;
}

LoadBalancer to_shape(const LoadBalancerRecord& record) {
  LoadBalancer out;
  out.load_balancer_arn = record.arn();
  out.dns_name = record.dns_name;
  out.canonical_hosted_zone_id = hosted_zone_id(record.region, record.type);
  out.created_time = record.created_at;
  out.load_balancer_name = record.name;
  out.scheme = record.scheme;
  out.vpc_id = record.vpc_id;
  out.state.emplace().code = record.state;
  if (!record.state_reason.empty()) out.state->reason = record.state_reason;
  out.type = record.type;
  out.availability_zones = zones_of(record);
  for (const std::string& group : record.security_groups) out.security_groups.push_back(group);
  if (record.application()) out.security_groups.present = true;
  out.ip_address_type = record.ip_address_type;
  if (!record.application()) out.enable_prefix_for_ipv6_source_nat = "off";
  return out;
}

Listener to_shape(const ListenerRecord& record) {
  Listener out;
  out.listener_arn = record.arn();
  out.load_balancer_arn = record.load_balancer_arn();
  out.port = record.port;
  out.protocol = record.protocol;
  if (!record.certificate.empty())
    out.certificates.emplace_back().certificate_arn = record.certificate;
  if (!record.ssl_policy.empty()) out.ssl_policy = record.ssl_policy;
  out.default_actions = without_secrets(record.default_actions);
  for (const std::string& protocol : record.alpn_policy) out.alpn_policy.push_back(protocol);
  if (record.protocol == "HTTPS") {
    MutualAuthenticationAttributes& mutual = out.mutual_authentication.emplace();
    mutual.mode = record.client_certificates;
    if (record.client_certificates == "verify") {
      mutual.trust_store_arn = record.trust_store;
      mutual.ignore_client_certificate_expiry = record.ignore_client_certificate_expiry;
      mutual.advertise_trust_store_ca_names = record.advertise_authorities ? "on" : "off";
    }
  }
  return out;
}

Rule to_shape(const ListenerRecord& listener, const RuleRecord& record) {
  Rule out;
  out.rule_arn = listener.rule_arn(record.id);
  out.priority = std::to_string(record.priority);
  out.conditions = record.conditions;
  out.actions = without_secrets(record.actions);
  out.is_default = false;
  out.transforms = record.transforms;
  out.transforms.present = true;
  return out;
}

Rule default_rule(const ListenerRecord& listener) {
  Rule out;
  out.rule_arn = listener.rule_arn(listener.default_rule_id);
  out.priority = "default";
  out.conditions.present = true;
  out.actions = without_secrets(listener.default_actions);
  out.is_default = true;
  out.transforms.present = true;
  return out;
}

TargetGroup to_shape(const Tables& tables, const TargetGroupRecord& record) {
  TargetGroup out;
  out.target_group_arn = record.arn();
  out.target_group_name = record.name;
  out.protocol = record.protocol;
  out.port = record.port;
  out.vpc_id = record.vpc_id;
  const HealthCheckRecord& check = record.health_check;
  out.health_check_protocol = check.protocol;
  out.health_check_port = check.port;
  out.health_check_enabled = check.enabled;
  out.health_check_interval_seconds = check.interval_seconds;
  out.health_check_timeout_seconds = check.timeout_seconds;
  out.healthy_threshold_count = check.healthy_threshold;
  out.unhealthy_threshold_count = check.unhealthy_threshold;
  if (!check.path.empty()) out.health_check_path = check.path;
  if (!check.grpc_codes.empty()) out.matcher.emplace().grpc_code = check.grpc_codes;
  if (!check.http_codes.empty()) out.matcher.emplace().http_code = check.http_codes;
  out.load_balancer_arns.present = true;
  for (const std::string& arn : load_balancers_of(tables, record.arn()))
    out.load_balancer_arns.push_back(arn);
  out.target_type = record.target_type;
  if (!record.protocol_version.empty()) out.protocol_version = record.protocol_version;
  out.ip_address_type = record.ip_address_type;
  return out;
}

}  // namespace landfall::elbv2
