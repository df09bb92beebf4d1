// What one VPC should be in the kernel. Values only: the EC2 controller builds one from its
// records, Network makes it true, and everything in between is pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ipv4.h"

namespace landfall::host::network {

// One permission of a security group, for one protocol, one range and one peer.
struct TrafficRule {
  int protocol = -1;  // IANA number; -1: every protocol
  // TCP and UDP: ports, -1 to -1 for all of them. ICMP: type and code, -1 for any. Others: not
  // looked at.
  int from_port = -1;
  int to_port = -1;
  std::optional<Cidr> block;  // the peer is one of these addresses ...
  std::string group;          // ... or an interface with this security group
  auto operator<=>(const TrafficRule&) const = default;
};

struct SecurityGroupSpec {
  std::string id;
  std::vector<TrafficRule> ingress;
  std::vector<TrafficRule> egress;
  bool operator==(const SecurityGroupSpec&) const = default;
};

// One line of a network access list. Lists know nothing of connections: answers are judged, too.
struct AclRule {
  bool allow = false;
  int protocol = -1;  // and ports as in TrafficRule
  int from_port = -1;
  int to_port = -1;
  Cidr block;
  auto operator<=>(const AclRule&) const = default;
};

struct AclSpec {
  std::string id;
  // In the order they are looked at; the first that matches decides, none means no.
  std::vector<AclRule> ingress;
  std::vector<AclRule> egress;
  bool operator==(const AclSpec&) const = default;
};

// Where a subnet's route table sends the addresses from `first` to `last`, outside of the VPC.
struct ExternalRoute {
  Ipv4 first;
  Ipv4 last;
  std::optional<Ipv4> nat_gateway;  // the gateway's public address; absent: an internet gateway
  std::string nat_acl_id;           // of the gateway's subnet
  bool operator==(const ExternalRoute&) const = default;
};

struct SubnetSpec {
  std::string id;
  Cidr block;
  // Disjoint, in ascending order. Addresses in none of them: nothing leaves, nothing comes in.
  std::vector<ExternalRoute> routes;
  std::string acl_id;  // empty: everything passes
  Ipv4 gateway() const { return block.base + 1; }
  bool operator==(const SubnetSpec&) const = default;
};

struct InterfaceSpec {
  std::string id;  // "eni-" and 17 hexadecimal digits
  std::string subnet_id;
  Ipv4 address;
  std::string mac;
  std::optional<Ipv4> public_address;
  std::vector<std::string> security_groups;
  bool unguarded = false;  // has no security groups and needs none: everything passes
  bool operator==(const InterfaceSpec&) const = default;
};

// Whose packets are counted by connection, for flow logs, and in which of two sets of counters: the
// other one can be read while this one counts.
struct FlowCounting {
  std::set<Ipv4> addresses;  // of interfaces; none: nothing is counted
  int generation = 0;
  bool operator==(const FlowCounting&) const = default;
};

struct VpcSpec {
  std::string id;  // "vpc-" and 17 hexadecimal digits
  std::vector<Cidr> blocks;
  std::vector<SubnetSpec> subnets;
  std::vector<SecurityGroupSpec> groups;
  std::vector<AclSpec> acls;
  std::vector<InterfaceSpec> interfaces;
  FlowCounting flows = {};
};

// Addresses of Landfall's own in every VPC, and who may be asked there. Nothing else of the
// namespace answers.
struct LocalService {
  Ipv4 address;
  std::vector<std::uint16_t> tcp_ports;
  std::vector<std::uint16_t> udp_ports;
};
// DNS (at 169.254.169.253 and at the VPC's base + 2), metadata, task credentials, and the API.
std::vector<LocalService> local_services(const VpcSpec& vpc);

// Linux takes at most 15 characters: "e" and the first 14 digits of the id.
std::string interface_device(std::string_view interface_id);
// The end of a VPC's uplink in the edge: "v" and the first 14 digits.
std::string uplink_device(std::string_view vpc_id);

}  // namespace landfall::host::network
