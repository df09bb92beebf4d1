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
  std::vector<NetworkInterfaceRecord> interfaces;
};
// Reads what belongs to the VPC; absent when there is no such VPC.
std::optional<VpcRecords> read_vpc(const Tables& tables, std::string_view vpc_id);

host::network::VpcSpec network_of(const VpcRecords& records);

// The table a subnet uses: its own association, or the VPC's main table.
const RouteTableRecord* route_table_of(const VpcRecords& records, std::string_view subnet_id);
// "tcp" -> 6; -1 for every protocol. Absent for those that IPv4 packets do not have (icmpv6).
std::optional<int> protocol_number(std::string_view protocol);

}  // namespace landfall::ec2
