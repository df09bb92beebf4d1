// What Elastic Load Balancing keeps, per account and region. Rules, actions and conditions are kept
// in AWS's own shapes.
#pragma once

#include <map>

#include "base/ids.h"
#include "reconcile/condition.h"
#include "store/table.h"
#include "wire/elbv2/types.h"

namespace landfall::elbv2 {

using Tags = std::map<std::string, std::string>;
// Only what was set; defaults are in attributes.h.
using Attributes = std::map<std::string, std::string>;

// A load balancer's end in one subnet.
struct NodeRecord {
  std::string subnet_id;
  std::string zone;
  std::string wanted_address;  // SubnetMapping.PrivateIPv4Address; may be empty
  // What the controller made.
  std::string interface_id;
  std::string private_address;
  std::string public_address;
};
LF_RECORD(NodeRecord, subnet_id, zone, wanted_address, interface_id, private_address,
          public_address)

struct LoadBalancerRecord {
  std::string name;
  std::string id;  // 16 hexadecimal digits
  std::string account;
  std::string region;
  std::string type;    // "application", "network"
  std::string scheme;  // "internet-facing", "internal"
  std::string vpc_id;
  std::string dns_name;
  std::string ip_address_type = "ipv4";
  std::vector<NodeRecord> nodes;  // by zone
  std::vector<std::string> security_groups;
  Attributes attributes;
  Tags tags;
  TimePoint created_at{};
  std::string state = "provisioning";  // in AWS's words
  std::string state_reason;
  reconcile::Conditions conditions;

  Scope scope() const { return {account, region}; }
  bool application() const { return type == "application"; }
  bool internet_facing() const { return scheme == "internet-facing"; }
  std::string arn() const;
  // What EC2 knows its interfaces by; each adds "/<subnet id>".
  std::string owner() const { return "elbv2:load-balancer/" + id; }
};
LF_RECORD(LoadBalancerRecord, name, id, account, region, type, scheme, vpc_id, dns_name,
          ip_address_type, nodes, security_groups, attributes, tags, created_at, state,
          state_reason, conditions)

struct ListenerRecord {
  std::string id;
  std::string account;
  std::string region;
  std::string load_balancer_id;
  std::string load_balancer_name;
  std::string load_balancer_type;
  std::string protocol;  // "HTTP", "HTTPS", "TCP", "TLS"
  int port = 0;
  std::string ssl_policy;
  std::string certificate;                // ARN of the default certificate
  std::vector<std::string> certificates;  // further ones, chosen by SNI
  std::vector<std::string> alpn_policy;
  std::string default_rule_id;
  wire::List<Action> default_actions;
  Attributes attributes;
  Tags tags;
  Tags default_rule_tags;
  std::string client_certificates = "off";  // "off", "passthrough", "verify"
  std::string trust_store;                  // ARN; verify
  bool ignore_client_certificate_expiry = false;
  bool advertise_authorities = false;

  bool secure() const { return protocol == "HTTPS" || protocol == "TLS"; }
  std::string arn() const;
  std::string load_balancer_arn() const;
  std::string rule_arn(std::string_view rule_id) const;
  std::string key() const { return load_balancer_id + "/" + id; }
};
LF_RECORD(ListenerRecord, id, account, region, load_balancer_id, load_balancer_name,
          load_balancer_type, protocol, port, ssl_policy, certificate, certificates, alpn_policy,
          default_rule_id, default_actions, attributes, tags, default_rule_tags,
          client_certificates, trust_store, ignore_client_certificate_expiry, advertise_authorities)

// Bundles are copied when they are named: what happens to the files later changes nothing.
struct TrustStoreRecord {
  std::string name;
  std::string id;
  std::string account;
  std::string region;
  std::string authorities;  // PEM
  int number_of_authorities = 0;
  std::int64_t last_revocation_id = 0;
  std::int64_t revoked_entries = 0;  // of all its revocation files
  Tags tags;

  std::string arn() const;
};
LF_RECORD(TrustStoreRecord, name, id, account, region, authorities, number_of_authorities,
          last_revocation_id, revoked_entries, tags)

struct RevocationRecord {
  std::int64_t id = 0;
  std::int64_t entries = 0;
  std::string content;  // PEM
};
LF_RECORD(RevocationRecord, id, entries, content)

struct RuleRecord {
  std::string id;
  std::string listener_key;  // ListenerRecord::key()
  int priority = 0;
  wire::List<RuleCondition> conditions;
  wire::List<Action> actions;
  wire::List<RuleTransform> transforms;
  Tags tags;
  std::string key() const { return listener_key + "/" + id; }
};
LF_RECORD(RuleRecord, id, listener_key, priority, conditions, actions, transforms, tags)

struct HealthCheckRecord {
  bool enabled = true;
  std::string protocol = "HTTP";
  std::string port = "traffic-port";
  std::string path;
  int interval_seconds = 30;
  int timeout_seconds = 5;
  int healthy_threshold = 5;
  int unhealthy_threshold = 2;
  std::string http_codes;  // "200", "200-299,404"; empty with TCP
  std::string grpc_codes;
};
LF_RECORD(HealthCheckRecord, enabled, protocol, port, path, interval_seconds, timeout_seconds,
          healthy_threshold, unhealthy_threshold, http_codes, grpc_codes)

struct TargetGroupRecord {
  std::string name;
  std::string id;
  std::string account;
  std::string region;
  std::string target_type;       // "ip", "instance"
  std::string protocol;          // "HTTP", "HTTPS", "TCP", "TLS"
  std::string protocol_version;  // "HTTP1", "HTTP2", "GRPC"; empty for network load balancers
  int port = 0;
  std::string vpc_id;
  std::string ip_address_type = "ipv4";
  HealthCheckRecord health_check;
  Attributes attributes;
  Tags tags;

  Scope scope() const { return {account, region}; }
  bool application() const { return protocol == "HTTP" || protocol == "HTTPS"; }
  std::string arn() const;
};
LF_RECORD(TargetGroupRecord, name, id, account, region, target_type, protocol, protocol_version,
          port, vpc_id, ip_address_type, health_check, attributes, tags)

struct TargetRecord {
  std::string id;  // address or instance
  int port = 0;
  std::string zone;     // of the subnet that holds it; "all" for addresses outside of the VPC
  std::string address;  // IPv4; of an instance: its primary private address
  TimePoint registered_at{};
  std::optional<TimePoint> deregistered_at;  // draining since
};
LF_RECORD(TargetRecord, id, port, zone, address, registered_at, deregistered_at)

struct Tables {
  Tables(store::Store& store, const Scope& scope);
  store::Table<LoadBalancerRecord> load_balancers;  // by name
  store::Table<LoadBalancerRecord> removed;  // by id: deleted, with interfaces still to be removed
  store::Table<ListenerRecord> listeners;    // by "<load balancer id>/<id>"
  store::Table<RuleRecord> rules;            // by "<load balancer id>/<listener id>/<id>"
  store::Table<TargetGroupRecord> target_groups;  // by name
  store::Table<TargetRecord> targets;             // by "<target group id>/<target id>:<port>"
  store::Table<TrustStoreRecord> trust_stores;    // by name
  store::Table<RevocationRecord> revocations;     // by "<trust store id>/<id>"
};

inline constexpr std::string_view kRoot = "/elbv2/";

std::string revocation_key(const TrustStoreRecord& store, std::int64_t id);
std::string target_key(const TargetGroupRecord& group, const TargetRecord& target);

// The part of an ARN behind "arn:aws:elasticloadbalancing:REGION:ACCOUNT:", taken apart.
struct ResourceName {
  enum class Kind { load_balancer, listener, rule, target_group, trust_store } kind{};
  std::string name;              // of the load balancer, target group or trust store
  std::string id;                // likewise
  std::string listener_id = {};  // listener, rule
  std::string rule_id = {};      // rule
  std::string listener_key() const { return id + "/" + listener_id; }
  std::string rule_key() const { return listener_key() + "/" + rule_id; }
};
// None: not such an ARN, or one of another account or region.
std::optional<ResourceName> parse_name(const Scope& scope, std::string_view arn);

// Scope and what follows of "/elbv2/<account>/<region>/<table>/<id>".
struct Key {
  Scope scope;
  std::string table;
  std::string id;
};
std::optional<Key> parse_key(std::string_view key);

}  // namespace landfall::elbv2
