#include "services/ec2/controller/plan.h"

namespace landfall::ec2 {
namespace {

using host::network::ExternalRoute;
using host::network::TrafficRule;

template <class T>
std::vector<T> of_vpc(const store::Table<T>& table, std::string_view vpc_id) {
  std::vector<T> out;
  for (auto& row : table.list()) {
    if (row.value.vpc_id == vpc_id) out.push_back(std::move(row.value));
  }
  return out;
}

// Routes whose target cannot take packets (a detached gateway, one that is deleted) are black
// holes.
std::vector<ExternalRoute> external_routes(const VpcRecords& records,
                                           const RouteTableRecord& table) {
  std::vector<ExternalRoute> out;
  for (const RouteRecord& route : table.routes) {
    const auto destination = Cidr::parse(route.destination);
    if (!destination) continue;  // IPv6
    if (route.target.starts_with("igw-")) {
      const auto gateway =
          std::ranges::find(records.internet_gateways, route.target, &InternetGatewayRecord::id);
      if (gateway != records.internet_gateways.end()) out.push_back({*destination, {}});
    } else if (route.target.starts_with("nat-")) {
      const auto gateway =
          std::ranges::find(records.nat_gateways, route.target, &NatGatewayRecord::id);
      if (gateway == records.nat_gateways.end() || !gateway->carries()) continue;
      const auto interface =
          std::ranges::find(records.interfaces, gateway->interface_id, &NetworkInterfaceRecord::id);
      if (interface == records.interfaces.end()) continue;
      if (const auto address = Ipv4::parse(interface->public_address)) {
        out.push_back({*destination, *address});
      }
    }
  }
  return out;
}

std::optional<TrafficRule> traffic_rule(const SecurityRuleRecord& rule) {
  const auto protocol = protocol_number(rule.protocol);
  if (!protocol) return {};
  TrafficRule out;
  out.protocol = *protocol;
  out.from_port = rule.from_port;
  out.to_port = rule.to_port;
  if (!rule.group_id.empty()) {
    out.group = rule.group_id;
  } else if (const auto block = Cidr::parse(rule.cidr)) {
    out.block = *block;
  } else {
    return {};  // IPv6: there is none in these networks
  }
  return out;
}

}  // namespace

std::optional<int> protocol_number(std::string_view protocol) {
  if (protocol == "-1") return -1;
  if (protocol == "tcp") return 6;
  if (protocol == "udp") return 17;
  if (protocol == "icmp") return 1;
  int number = -1;
  const auto [end, error] =
      std::from_chars(protocol.data(), protocol.data() + protocol.size(), number);
  if (error != std::errc() || end != protocol.data() + protocol.size() || number == 58) return {};
  return number;
}

std::optional<VpcRecords> read_vpc(const Tables& tables, std::string_view vpc_id) {
  auto vpc = tables.vpcs.get(vpc_id);
  if (!vpc) return {};
  return VpcRecords{std::move(vpc->value),
                    of_vpc(tables.subnets, vpc_id),
                    of_vpc(tables.route_tables, vpc_id),
                    of_vpc(tables.internet_gateways, vpc_id),
                    of_vpc(tables.nat_gateways, vpc_id),
                    of_vpc(tables.security_groups, vpc_id),
                    of_vpc(tables.interfaces, vpc_id)};
}

const RouteTableRecord* route_table_of(const VpcRecords& records, std::string_view subnet_id) {
  const RouteTableRecord* main = nullptr;
  for (const RouteTableRecord& table : records.route_tables) {
    for (const RouteTableAssociationRecord& association : table.associations) {
      if (association.subnet_id == subnet_id) return &table;
      if (association.subnet_id.empty()) main = &table;
    }
  }
  return main;
}

host::network::VpcSpec network_of(const VpcRecords& records) {
  host::network::VpcSpec out;
  out.id = records.vpc.id;
  out.blocks = {*Cidr::parse(records.vpc.cidr)};
  for (const SubnetRecord& subnet : records.subnets) {
    const RouteTableRecord* table = route_table_of(records, subnet.id);
    out.subnets.push_back(
        {subnet.id, *Cidr::parse(subnet.cidr),
         table ? external_routes(records, *table) : std::vector<ExternalRoute>()});
  }
  for (const SecurityGroupRecord& group : records.security_groups) {
    auto& spec = out.groups.emplace_back();
    spec.id = group.id;
    for (const SecurityRuleRecord& rule : group.rules) {
      if (auto traffic = traffic_rule(rule)) {
        (rule.egress ? spec.egress : spec.ingress).push_back(std::move(*traffic));
      }
    }
  }
  for (const NetworkInterfaceRecord& interface : records.interfaces) {
    out.interfaces.push_back({interface.id, interface.subnet_id, *Ipv4::parse(interface.address),
                              interface.mac, Ipv4::parse(interface.public_address),
                              interface.group_ids});
  }
  return out;
}

}  // namespace landfall::ec2
