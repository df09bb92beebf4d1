// A VPC's records as what the kernel should hold. Pure.
#pragma once

#include <vector>

#include "host/network/spec.h"
#include "services/ec2/records.h"

namespace landfall::ec2 {

struct VpcRecords {
  VpcRecord vpc;
  std::vector<SubnetRecord> subnets;
  std::vector<RouteTableRecord> route_tables;
  std::vector<InternetGatewayRecord> internet_gateways;
  std::vector<NatGatewayRecord> nat_gateways;
  std::vector<SecurityGroupRecord> security_groups;
  std::vector<NetworkAclRecord> network_acls;
  std::vector<NetworkInterfaceRecord> interfaces;
  std::vector<EndpointRecord> endpoints;
  std::vector<FlowLogRecord> flow_logs;
  std::map<std::string, std::vector<Cidr>> prefix_lists;  // those of the region
  // What a route or a rule means by its peer: one block, or those of a prefix list.
  std::vector<Cidr> blocks_of(const RouteRecord& route) const;
  std::vector<Cidr> blocks_of(const SecurityRuleRecord& rule) const;
};
// Reads what belongs to the VPC; absent when there is no such VPC.
std::optional<VpcRecords> read_vpc(const Tables& tables, std::string_view vpc_id);

host::network::VpcSpec network_of(const VpcRecords& records);

// The table a subnet uses: its own association, or the VPC's main table.
const RouteTableRecord* route_table_of(const VpcRecords& records, std::string_view subnet_id);
// The list that guards a subnet: its own association, or the VPC's default list.
const NetworkAclRecord* acl_of(const VpcRecords& records, std::string_view subnet_id);

// Where a packet that leaves a subnet for an address outside of the VPC goes.
struct NextHop {
  enum class Kind { nowhere, internet, nat } kind = Kind::nowhere;
  std::string route_target;  // of the route that decided, "igw-...": also when it leads nowhere
  const NatGatewayRecord* nat_gateway = nullptr;  // kind nat
  std::string nat_address;                        // its public address
  std::string problem;  // kind nowhere: what is wrong with the route, for people
  bool operator==(const NextHop&) const = default;
};
NextHop next_hop(const VpcRecords& records, const RouteTableRecord& table, Ipv4 destination);

// "tcp" -> 6; -1 for every protocol. Absent for those that IPv4 packets do not have (icmpv6).
std::optional<int> protocol_number(std::string_view protocol);

}  // namespace landfall::ec2
