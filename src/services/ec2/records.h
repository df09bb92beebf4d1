// What EC2 keeps in the store. Keys: /ec2/<account>/<region>/<table>/<id>; public addresses belong
// to the whole instance of Landfall and live under /ec2/-/-/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/ipv4.h"
#include "base/record.h"
#include "store/table.h"

namespace landfall::ec2 {

using Tags = std::map<std::string, std::string>;

// The request that made a resource, where requests may be repeated under a token.
struct ClientToken {
  std::string token;    // empty: none given
  std::string request;  // what was asked for, to tell a repetition from another use of the token
};
LF_RECORD(ClientToken, token, request)

struct VpcRecord {
  std::string id;
  std::string cidr;
  std::string cidr_association_id;
  bool is_default = false;
  bool dns_support = true;
  bool dns_hostnames = false;
  std::string dhcp_options_id;
  std::string main_route_table_id;
  std::string default_security_group_id;
  std::string default_network_acl_id;
  Tags tags;
  // Interfaces have names, and private zones are seen: only with both.
  bool host_names() const { return dns_support && dns_hostnames; }
};
LF_RECORD(VpcRecord, id, cidr, cidr_association_id, is_default, dns_support, dns_hostnames,
          dhcp_options_id, main_route_table_id, default_security_group_id, default_network_acl_id,
          tags)

struct SubnetRecord {
  std::string id;
  std::string vpc_id;
  std::string cidr;
  std::string zone;
  bool default_for_zone = false;
  bool map_public_ip_on_launch = false;
  std::string hostname_type = "ip-name";
  bool hostname_a_record = false;
  Tags tags;
};
LF_RECORD(SubnetRecord, id, vpc_id, cidr, zone, default_for_zone, map_public_ip_on_launch,
          hostname_type, hostname_a_record, tags)

struct RouteRecord {
  std::string destination;  // canonical block, or a prefix list
  // "igw-...", "nat-..." or "vpce-..."; the VPC's own route ("local") is not kept
  std::string target;
};
LF_RECORD(RouteRecord, destination, target)

struct RouteTableAssociationRecord {
  std::string id;
  std::string subnet_id;  // empty: the VPC's main table
};
LF_RECORD(RouteTableAssociationRecord, id, subnet_id)

struct RouteTableRecord {
  std::string id;
  std::string vpc_id;
  std::vector<RouteRecord> routes;
  std::vector<RouteTableAssociationRecord> associations;
  ClientToken made_by;
  Tags tags;
};
LF_RECORD(RouteTableRecord, id, vpc_id, routes, associations, made_by, tags)

struct InternetGatewayRecord {
  std::string id;
  std::string vpc_id;  // empty: detached
  Tags tags;
};
LF_RECORD(InternetGatewayRecord, id, vpc_id, tags)

// One permission for one peer, as DescribeSecurityGroupRules lists them.
struct SecurityRuleRecord {
  std::string id;
  bool egress = false;
  std::string protocol;  // "tcp", "udp", "icmp", "icmpv6", "-1", or a number
  int from_port = -1;
  int to_port = -1;
  // Exactly one of these four.
  std::string cidr;
  std::string cidr_v6;
  std::string group_id;
  std::string group_owner;  // account, with group_id
  std::string prefix_list_id;
  std::string description;
  Tags tags;
};
LF_RECORD(SecurityRuleRecord, id, egress, protocol, from_port, to_port, cidr, cidr_v6, group_id,
          group_owner, prefix_list_id, description, tags)

struct SecurityGroupRecord {
  std::string id;
  std::string vpc_id;
  std::string name;
  std::string description;
  std::vector<SecurityRuleRecord> rules;
  Tags tags;
};
LF_RECORD(SecurityGroupRecord, id, vpc_id, name, description, rules, tags)

inline constexpr std::string_view kNatInterfaceType = "nat_gateway";
// Without security groups it lets everything pass.
inline constexpr std::string_view kNetworkBalancerInterfaceType = "network_load_balancer";
inline constexpr std::string_view kEndpointInterfaceType = "vpc_endpoint";

struct NetworkInterfaceRecord {
  std::string id;
  std::string owner;  // of InterfaceRequest; empty for those that clients create
  std::string vpc_id;
  std::string subnet_id;
  std::string zone;
  std::string description;
  std::string type = "interface";
  std::string mac;
  std::string address;
  std::vector<std::string> group_ids;
  bool requester_managed = false;
  std::string requester_id;
  std::string public_address;  // empty: none
  std::string allocation_id;   // of the elastic address it comes from; empty: assigned
  std::string association_id;  // of either
  std::string attachment_id;
  TimePoint created{};
  ClientToken made_by;
  Tags tags;
  bool unguarded() const { return type == kNetworkBalancerInterfaceType && group_ids.empty(); }
};
LF_RECORD(NetworkInterfaceRecord, id, owner, vpc_id, subnet_id, zone, description, type, mac,
          address, group_ids, requester_managed, requester_id, public_address, allocation_id,
          association_id, attachment_id, created, made_by, tags)

struct ElasticAddressRecord {
  std::string allocation_id;
  std::string address;
  Tags tags;
};
LF_RECORD(ElasticAddressRecord, allocation_id, address, tags)

struct NatGatewayRecord {
  std::string id;
  std::string vpc_id;
  std::string subnet_id;
  std::string interface_id;
  std::string allocation_id;
  bool deleted = false;
  std::string failure_code;  // why it never worked; empty: it does
  std::string failure_message;
  TimePoint created{};
  TimePoint deleted_at{};
  ClientToken made_by;
  Tags tags;
  bool carries() const { return !deleted && failure_code.empty(); }
};
LF_RECORD(NatGatewayRecord, id, vpc_id, subnet_id, interface_id, allocation_id, deleted,
          failure_code, failure_message, created, deleted_at, made_by, tags)

// The number of the entry that refuses what no other mentions. AWS shows it as "*".
inline constexpr int kLastAclEntry = 32767;

struct AclEntryRecord {
  bool egress = false;
  int number = 0;
  std::string protocol = "-1";  // "-1" or a number
  bool allow = false;
  std::string cidr;
  int from_port = -1;  // ICMP: type and code; -1 for every one
  int to_port = -1;
};
LF_RECORD(AclEntryRecord, egress, number, protocol, allow, cidr, from_port, to_port)

struct AclAssociationRecord {
  std::string id;
  std::string subnet_id;
};
LF_RECORD(AclAssociationRecord, id, subnet_id)

// A subnet that is in no list's associations has the VPC's default list.
struct NetworkAclRecord {
  std::string id;
  std::string vpc_id;
  bool is_default = true;
  std::vector<AclEntryRecord> entries;  // by direction and number
  std::vector<AclAssociationRecord> associations;
  ClientToken made_by;
  Tags tags;
};
LF_RECORD(NetworkAclRecord, id, vpc_id, is_default, entries, associations, made_by, tags)

// Among domain-name-servers: the VPC's own DNS.
inline constexpr std::string_view kAmazonDns = "AmazonProvidedDNS";

struct DhcpOptionsRecord {
  std::string id;
  std::map<std::string, std::vector<std::string>> values;
  bool by_amazon = false;  // the region's own set, which new VPCs get
  Tags tags;
};
LF_RECORD(DhcpOptionsRecord, id, values, by_amazon, tags)

struct PrefixEntryRecord {
  std::string cidr;
  std::string description;
};
LF_RECORD(PrefixEntryRecord, cidr, description)

struct PrefixListRecord {
  std::string id;
  std::string name;
  int max_entries = 0;
  std::string state = "create-complete";
  std::int64_t version = 1;
  std::vector<PrefixEntryRecord> entries;
  // What it was, by version with leading zeros; the last ones.
  std::map<std::string, std::vector<PrefixEntryRecord>> versions;
  ClientToken made_by;
  Tags tags;
  bool amazon = false;  // one of AWS's, which are not kept
};
LF_RECORD(PrefixListRecord, id, name, max_entries, state, version, entries, versions, made_by, tags)

struct EndpointSubnetRecord {
  std::string subnet_id;
  std::string zone;
  std::string interface_id;
  std::string address;
};
LF_RECORD(EndpointSubnetRecord, subnet_id, zone, interface_id, address)

struct EndpointRecord {
  std::string id;
  std::string type;  // "Gateway", "Interface"
  std::string vpc_id;
  std::string service;  // "com.amazonaws.us-west-1.s3"
  std::vector<std::string> route_table_ids;
  std::vector<EndpointSubnetRecord> subnets;
  std::vector<std::string> group_ids;
  bool private_dns = false;
  TimePoint created{};
  ClientToken made_by;
  Tags tags;
  bool gateway() const { return type == "Gateway"; }
};
LF_RECORD(EndpointRecord, id, type, vpc_id, service, route_table_ids, subnets, group_ids,
          private_dns, created, made_by, tags)

inline constexpr std::string_view kFlowLogFormat =
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

// Of one resource; several made by one request have ids of their own.
struct FlowLogRecord {
  std::string id;
  std::string resource_id;   // of an interface, a subnet or a VPC
  std::string vpc_id;        // of that
  std::string traffic_type;  // "ACCEPT", "REJECT", "ALL"
  std::string log_group;
  std::string destination;  // the log group's ARN; empty: its name was given
  std::string role_arn;
  std::string format = std::string(kFlowLogFormat);
  int interval_s = 600;
  std::string delivery_error;  // "Access error", ...; empty: the last delivery arrived
  TimePoint created{};
  ClientToken made_by;
  Tags tags;
};
LF_RECORD(FlowLogRecord, id, resource_id, vpc_id, traffic_type, log_group, destination, role_arn,
          format, interval_s, delivery_error, created, made_by, tags)

// Says that an account has its default VPC in a region, or had one and deleted it.
struct DefaultsRecord {
  std::string vpc_id;  // empty: deleted by the user
};
LF_RECORD(DefaultsRecord, vpc_id)

// Names are the same for everybody, so they live beside the public addresses, by name. Without
// private addresses the name means the public ones inside its VPC as well.
struct DnsNameRecord {
  std::string account;
  std::string region;
  std::string name;
  std::string owner;
  std::string vpc_id;
  std::vector<std::string> private_addresses;
  std::vector<std::string> public_addresses;
};
LF_RECORD(DnsNameRecord, account, region, name, owner, vpc_id, private_addresses, public_addresses)

// Who has a public address.
struct PublicAddressRecord {
  std::string account;
  std::string region;
  std::string holder;  // interface or allocation id
};
LF_RECORD(PublicAddressRecord, account, region, holder)

// The tables of one account and region.
struct Tables {
  Tables(store::Store& store, const Scope& scope);

  Scope scope;
  store::Table<VpcRecord> vpcs;
  store::Table<SubnetRecord> subnets;
  store::Table<RouteTableRecord> route_tables;
  store::Table<InternetGatewayRecord> internet_gateways;
  store::Table<SecurityGroupRecord> security_groups;
  store::Table<NetworkInterfaceRecord> interfaces;
  store::Table<ElasticAddressRecord> elastic_addresses;
  store::Table<NatGatewayRecord> nat_gateways;
  store::Table<NetworkAclRecord> network_acls;
  store::Table<DhcpOptionsRecord> dhcp_options;
  store::Table<PrefixListRecord> prefix_lists;
  store::Table<EndpointRecord> endpoints;
  store::Table<FlowLogRecord> flow_logs;
  store::Table<DnsNameRecord> dns_names;
  store::Table<DefaultsRecord> defaults;
};

inline constexpr std::string_view kDnsNamePrefix = "/ec2/-/-/dns-names/";
inline constexpr std::string_view kPublicAddressPrefix = "/ec2/-/-/public_addresses/";

// "/ec2/<account>/<region>/<table>/<id>" taken apart; absent for other keys.
struct KeyParts {
  Scope scope;
  std::string table;
  std::string id;
};
std::optional<KeyParts> parse_key(std::string_view key);

}  // namespace landfall::ec2
