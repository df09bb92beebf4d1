// What a load balancer is to the data plane: plain values, complete, immutable once applied. The
// names are AWS's where AWS has one, the meaning is in docs.aws.amazon.com/elasticloadbalancing.
// Nothing here refers to accounts, stores or API calls.
//
// They travel as records (base/record.h): enumerations by number, so append only; members that the
// other side does not know are skipped, missing ones keep their defaults. A newer proxy therefore
// understands the snapshots of an older server and the other way round.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::proxy {

// One address a load balancer answers on: its network interface in one subnet. Listeners open their
// port on every node; connections to targets leave from the node that took the client's connection.
struct Node {
  std::string network_namespace;  // path, "/run/netns/x"; empty: the proxy's own
  std::string address;            // numeric, IPv4 or IPv6
  std::string zone;               // availability zone, for metrics
};
LF_RECORD(Node, network_namespace, address, zone)

struct Certificate {
  std::string id;         // its ARN; goes to the access log as chosen_cert_arn
  std::string chain_pem;  // leaf first
  std::string key_pem;
};
LF_RECORD(Certificate, id, chain_pem, key_pem)

// Security policies are a matter of the controller: it names versions and ciphers in OpenSSL's
// words.
struct TlsSettings {
  std::vector<Certificate> certificates;  // the first is the default; the others are chosen by SNI
  int minimum_version = 12;               // 10, 11, 12 or 13
  int maximum_version = 13;
  std::string ciphers;       // up to TLS 1.2, empty: OpenSSL's default
  std::string ciphersuites;  // TLS 1.3
};
LF_RECORD(TlsSettings, certificates, minimum_version, maximum_version, ciphers, ciphersuites)

enum class ConditionField {
  host_header,          // values: patterns with * and ?, case-insensitive
  path_pattern,         // values: patterns, case-sensitive, path without the query
  http_header,          // name and values: patterns, case-insensitive
  http_request_method,  // values: exact
  query_string,         // pairs: patterns, case-insensitive; an empty key matches any key
  source_ip,            // values: CIDR blocks, the peer's address (not X-Forwarded-For)
};

struct QueryPair {
  std::string key;
  std::string value;
};
LF_RECORD(QueryPair, key, value)

// True when any value matches.
struct Condition {
  ConditionField field = ConditionField::path_pattern;
  std::string name;  // http_header only
  std::vector<std::string> values;
  std::vector<QueryPair> pairs;
  // host_header, http_header and path_pattern: regular expressions in place of patterns.
  std::vector<std::string> regexes;
};
LF_RECORD(Condition, field, name, values, pairs, regexes)

struct WeightedGroup {
  std::string group;  // TargetGroup::id
  int weight = 1;     // 0 to 999; 0 gets nothing
};
LF_RECORD(WeightedGroup, group, weight)

enum class ActionKind { forward, redirect, fixed_response };

enum class Unauthenticated { authenticate, deny, allow };

// Users log in at an OpenID provider before the action is taken (auth/).
struct OidcSettings {
  std::string issuer;
  std::string authorization_endpoint, token_endpoint, user_info_endpoint;  // https
  std::string client_id, client_secret;
  std::string cookie = "AWSELBAuthSessionCookie";
  std::string scope = "openid";
  std::int64_t session_seconds = 604800;
  std::vector<QueryPair> extra_parameters;  // of the authorization request
  Unauthenticated unauthenticated = Unauthenticated::authenticate;
};
LF_RECORD(OidcSettings, issuer, authorization_endpoint, token_endpoint, user_info_endpoint,
          client_id, client_secret, cookie, scope, session_seconds, extra_parameters,
          unauthenticated)

enum class ClaimFormat { single_string, string_array, space_separated_values };

struct JwtClaim {
  std::string name;
  ClaimFormat format = ClaimFormat::single_string;
  std::vector<std::string> values;  // each must be there
};
LF_RECORD(JwtClaim, name, format, values)

// Requests carry a token whose signature and claims are checked before the action is taken.
struct JwtSettings {
  std::string jwks_endpoint;  // https
  std::string issuer;
  std::vector<JwtClaim> claims;
};
LF_RECORD(JwtSettings, jwks_endpoint, issuer, claims)

struct Action {
  ActionKind kind = ActionKind::forward;
  // forward
  std::vector<WeightedGroup> groups;
  int group_stickiness_seconds = 0;  // 0: off; else AWSALBTG keeps a client on its group
  // redirect; each part may hold #{protocol} #{host} #{port} #{path} #{query}
  std::string protocol = "#{protocol}";
  std::string host = "#{host}";
  std::string port = "#{port}";
  std::string path = "/#{path}";
  std::string query = "#{query}";  // without the '?'
  // redirect (301, 302) and fixed_response
  int status = 0;
  // fixed_response
  std::string content_type;
  std::string body;
  // What comes first, at most one of them.
  std::optional<OidcSettings> oidc;
  std::optional<JwtSettings> jwt;
};
LF_RECORD(Action, kind, groups, group_stickiness_seconds, protocol, host, port, path, query, status,
          content_type, body, oidc, jwt)

enum class TransformKind { host_header, url };

// What of the request is rewritten on its way to a target: the first match of the expression.
struct Transform {
  TransformKind kind = TransformKind::url;
  std::string regex;
  std::string replace;  // $1 to $9: groups of the expression
};
LF_RECORD(Transform, kind, regex, replace)

// All conditions must hold. Rules are tried in the order given, the default rule last (without
// conditions).
struct Rule {
  int priority = 0;  // as the access log names it; 0: the default rule
  std::vector<Condition> conditions;
  Action action;
  std::vector<Transform> transforms;  // at most one of a kind; for requests that are forwarded
};
LF_RECORD(Rule, priority, conditions, action, transforms)

enum class Protocol { http, https, tcp, tls };

// Another place where a listener answers: an address of the host, so that the outside reaches it.
struct Publication {
  std::string address;
  std::uint16_t port = 0;
};
LF_RECORD(Publication, address, port)

struct Header {
  std::string name;
  std::string value;
};
LF_RECORD(Header, name, value)

// Under which names targets get what only the load balancer knows.
struct RequestHeaderNames {
  std::string tls_version = "X-Amzn-Tls-Version";
  std::string tls_cipher_suite = "X-Amzn-Tls-Cipher-Suite";
  std::string certificate = "X-Amzn-Mtls-Clientcert";
  std::string certificate_leaf = "X-Amzn-Mtls-Clientcert-Leaf";
  std::string certificate_serial_number = "X-Amzn-Mtls-Clientcert-Serial-Number";
  std::string certificate_issuer = "X-Amzn-Mtls-Clientcert-Issuer";
  std::string certificate_subject = "X-Amzn-Mtls-Clientcert-Subject";
  std::string certificate_validity = "X-Amzn-Mtls-Clientcert-Validity";
};
LF_RECORD(RequestHeaderNames, tls_version, tls_cipher_suite, certificate, certificate_leaf,
          certificate_serial_number, certificate_issuer, certificate_subject, certificate_validity)

// Whether clients show certificates: not; as they like, for the target to judge; or they must.
enum class ClientCertificates { off, passthrough, verify };

struct MutualTls {
  ClientCertificates mode = ClientCertificates::off;
  // verify
  std::string authorities_pem;         // who is trusted to have issued them
  std::vector<std::string> revoked;    // CRLs in PEM
  bool ignore_expiry = false;          // of the client's certificate
  bool advertise_authorities = false;  // names them in the handshake
};
LF_RECORD(MutualTls, mode, authorities_pem, revoked, ignore_expiry, advertise_authorities)

struct Listener {
  std::string id;  // unique among all listeners, its ARN
  Protocol protocol = Protocol::http;
  std::uint16_t port = 0;
  TlsSettings tls;          // https and tls
  std::vector<Rule> rules;  // tcp and tls: exactly one, a forward without conditions
  std::vector<Publication> publications;
  std::vector<Header> response_headers;  // in place of those that a target sends
  bool server_header = true;             // "Server: awselb/2.0" on the answers we make ourselves
  RequestHeaderNames request_header_names;
  int idle_timeout_seconds = 0;  // 0: the load balancer's
  MutualTls mutual_tls;          // https
};
LF_RECORD(Listener, id, protocol, port, tls, rules, publications, response_headers, server_header,
          request_header_names, idle_timeout_seconds, mutual_tls)

enum class DesyncMode { monitor, defensive, strictest };
enum class ForwardedForMode { append, preserve, remove };

// Where a load balancer's log files go; see log/log_files.h.
struct LogPlace {
  std::string folder;  // finished files go below it; empty: no log is kept
  std::string prefix;  // of their names
  std::string unfinished;
  bool operator==(const LogPlace&) const = default;
};
LF_RECORD(LogPlace, folder, prefix, unfinished)

struct LoadBalancer {
  std::string id;    // unique, its ARN
  std::string name;  // as the access log names it: "app/web/50dc6c495c0c9188"
  std::vector<Node> nodes;
  std::vector<Listener> listeners;
  int idle_timeout_seconds = 60;  // tcp listeners: 350 is AWS's
  int client_keep_alive_seconds = 3600;
  DesyncMode desync_mode = DesyncMode::defensive;
  bool drop_invalid_header_fields = false;
  bool preserve_host_header = false;
  ForwardedForMode forwarded_for = ForwardedForMode::append;
  bool forwarded_for_client_port = false;
  bool tls_version_and_cipher_headers = false;
  bool http2 = true;
  LogPlace access_log, connection_log, health_check_log;
};
LF_RECORD(LoadBalancer, id, name, nodes, listeners, idle_timeout_seconds, client_keep_alive_seconds,
          desync_mode, drop_invalid_header_fields, preserve_host_header, forwarded_for,
          forwarded_for_client_port, tls_version_and_cipher_headers, http2, access_log,
          connection_log, health_check_log)

enum class ProtocolVersion { http1, http2, grpc };
enum class Algorithm { round_robin, least_outstanding_requests, weighted_random };
enum class Stickiness { off, lb_cookie, app_cookie, source_ip };

struct HealthCheck {
  bool enabled = true;
  Protocol protocol = Protocol::http;
  std::uint16_t port = 0;  // 0: the target's own ("traffic-port")
  std::string path = "/";  // http and https
  int interval_seconds = 30;
  int timeout_seconds = 5;
  int healthy_threshold = 5;
  int unhealthy_threshold = 2;
  std::string matcher = "200";  // "200", "200,202", "200-299"; with grpc gRPC codes
};
LF_RECORD(HealthCheck, enabled, protocol, port, path, interval_seconds, timeout_seconds,
          healthy_threshold, unhealthy_threshold, matcher)

struct Target {
  std::string id;       // as registered: an address or an instance id
  std::string address;  // where to connect
  std::uint16_t port = 0;
  // Unix time in ms when it was deregistered; 0: it is registered. Deregistered targets get no new
  // requests; what is in flight may end within the group's deregistration delay.
  std::int64_t deregistered_ms = 0;
  std::string zone;  // availability zone, for metrics; empty: of no zone in particular
};
LF_RECORD(Target, id, address, port, deregistered_ms, zone)

struct TargetGroup {
  std::string id;  // unique, its ARN
  Protocol protocol = Protocol::http;
  ProtocolVersion version = ProtocolVersion::http1;
  std::vector<Target> targets;
  HealthCheck health_check;
  Algorithm algorithm = Algorithm::round_robin;
  Stickiness stickiness = Stickiness::off;
  int stickiness_seconds = 86400;
  std::string stickiness_cookie;  // app_cookie: the application's cookie
  int slow_start_seconds = 0;
  int deregistration_delay_seconds = 300;
  // Fewer healthy targets than this: requests go to all of them ("fail open").
  int minimum_healthy_count = 1;
  int minimum_healthy_percentage = 0;  // 0: off
  bool proxy_protocol_v2 = false;      // tcp
  // tcp and tls: established connections are reset when the deregistration delay has passed, and
  // when their target is found unhealthy.
  bool end_deregistered = false;
  bool end_unhealthy = false;
};
LF_RECORD(TargetGroup, id, protocol, version, targets, health_check, algorithm, stickiness,
          stickiness_seconds, stickiness_cookie, slow_start_seconds, deregistration_delay_seconds,
          minimum_healthy_count, minimum_healthy_percentage, proxy_protocol_v2, end_deregistered,
          end_unhealthy)

struct Snapshot {
  std::int64_t revision = 0;  // the controller's; answered with the health and metrics
  std::vector<LoadBalancer> load_balancers;
  std::vector<TargetGroup> target_groups;
  // 32 bytes in base64: seals the stickiness cookies, so they must outlive the proxy. Empty: the
  // proxy takes a random one.
  std::string cookie_key;
  // PEM: signs what targets are told about users. Empty: the proxy makes one.
  std::string identity_key;
  // PEM file with the authorities of identity providers; empty: the system's.
  std::string trust_file;
};
LF_RECORD(Snapshot, revision, load_balancers, target_groups, cookie_key, identity_key, trust_file)

}  // namespace landfall::proxy
