#include "services/ec2/controller/plan.h"

#include "services/ec2/flow_logs.h"
#include "services/ec2/prefix_lists.h"

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

// Of two equally long ones, the one that names its block itself.
// https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
const RouteRecord* longest_match(const VpcRecords& records, const RouteTableRecord& table,
                                 Ipv4 destination) {
  const RouteRecord* best = nullptr;
  int longest = -1;
  for (const RouteRecord& route : table.routes) {
    for (const Cidr& block : records.blocks_of(route)) {
      if (!block.contains(destination) || block.length < longest) continue;
      if (block.length == longest && route.destination.starts_with("pl-")) continue;
      longest = block.length;
      best = &route;
    }
  }
  return best;
}

const InternetGatewayRecord* attached_gateway(const VpcRecords& records, std::string_view id) {
  const auto found = std::ranges::find(records.internet_gateways, id, &InternetGatewayRecord::id);
  return found == records.internet_gateways.end() ? nullptr : &*found;
}

NextHop nowhere(std::string target, std::string problem) {
  return {NextHop::Kind::nowhere, std::move(target), nullptr, "", std::move(problem)};
}

// A NAT gateway sends on what it gets as the route table of its own subnet says.
NextHop through_nat(const VpcRecords& records, const std::string& id, Ipv4 destination) {
  const auto gateway = std::ranges::find(records.nat_gateways, id, &NatGatewayRecord::id);
  if (gateway == records.nat_gateways.end() || !gateway->carries()) {
    return nowhere(id, fmt::format("{} does not exist any more", id));
  }
  const auto interface =
      std::ranges::find(records.interfaces, gateway->interface_id, &NetworkInterfaceRecord::id);
  if (interface == records.interfaces.end() || interface->public_address.empty()) {
    return nowhere(id, fmt::format("{} has no public address", id));
  }
  const RouteTableRecord* table = route_table_of(records, gateway->subnet_id);
  const RouteRecord* onward = table ? longest_match(records, *table, destination) : nullptr;
  if (!onward || !attached_gateway(records, onward->target)) {
    return nowhere(id, fmt::format("the subnet {} of {} has itself no route to an internet gateway",
                                   gateway->subnet_id, id));
  }
  return {NextHop::Kind::nat, id, &*gateway, interface->public_address, ""};
}

// The addresses at which the answer of next_hop() may change.
void add_borders(const VpcRecords& records, const RouteTableRecord& table,
                 std::set<std::uint64_t>& borders) {
  for (const RouteRecord& route : table.routes) {
    for (const Cidr& block : records.blocks_of(route)) {
      borders.insert(block.base.value);
      borders.insert(block.base.value + block.size());
    }
  }
}

std::string acl_id_of(const VpcRecords& records, std::string_view subnet_id) {
  const NetworkAclRecord* acl = acl_of(records, subnet_id);
  return acl ? acl->id : "";
}

std::vector<ExternalRoute> external_routes(const VpcRecords& records,
                                           const RouteTableRecord& table) {
  std::set<std::uint64_t> borders = {0};
  add_borders(records, table, borders);
  for (const RouteRecord& route : table.routes) {
    const auto gateway =
        std::ranges::find(records.nat_gateways, route.target, &NatGatewayRecord::id);
    if (gateway == records.nat_gateways.end()) continue;
    if (const auto* onward = route_table_of(records, gateway->subnet_id)) {
      add_borders(records, *onward, borders);
    }
  }
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
  borders.insert(kEnd);
  std::vector<ExternalRoute> out;
  for (auto at = borders.begin(); *at != kEnd; ++at) {
    const Ipv4 first{static_cast<std::uint32_t>(*at)};
    const Ipv4 last{static_cast<std::uint32_t>(*std::next(at) - 1)};
    const NextHop hop = next_hop(records, table, first);
    if (hop.kind == NextHop::Kind::nowhere) continue;
    ExternalRoute route{first, last, Ipv4::parse(hop.nat_address), ""};
    if (hop.nat_gateway) route.nat_acl_id = acl_id_of(records, hop.nat_gateway->subnet_id);
    if (!out.empty() && out.back().last + 1 == first &&
        out.back().nat_gateway == route.nat_gateway && out.back().nat_acl_id == route.nat_acl_id) {
      out.back().last = last;
    } else {
      out.push_back(std::move(route));
    }
  }
  return out;
}

host::network::AclSpec acl_spec(const NetworkAclRecord& acl) {
  host::network::AclSpec out;
  out.id = acl.id;
  std::vector<AclEntryRecord> entries = acl.entries;
  std::ranges::sort(entries, {}, &AclEntryRecord::number);
  for (const AclEntryRecord& entry : entries) {
    const auto protocol = protocol_number(entry.protocol);
    const auto block = Cidr::parse(entry.cidr);
    if (!protocol || !block) continue;  // IPv6: there is none in these networks
    (entry.egress ? out.egress : out.ingress)
        .push_back({entry.allow, *protocol, entry.from_port, entry.to_port, *block});
  }
  return out;
}

// One for each block that the rule means; none for IPv6, which these networks do not have.
void add_traffic(const VpcRecords& records, const SecurityRuleRecord& rule,
                 std::vector<TrafficRule>& rules) {
  const auto protocol = protocol_number(rule.protocol);
  if (!protocol) return;
  TrafficRule out;
  out.protocol = *protocol;
  out.from_port = rule.from_port;
  out.to_port = rule.to_port;
  if (!rule.group_id.empty()) {
    out.group = rule.group_id;
    rules.push_back(std::move(out));
    return;
  }
  for (const Cidr& block : records.blocks_of(rule)) {
    out.block = block;
    rules.push_back(out);
  }
}

}  // namespace

std::vector<Cidr> VpcRecords::blocks_of(const RouteRecord& route) const {
  if (const auto list = prefix_lists.find(route.destination); list != prefix_lists.end())
    return list->second;
  if (const auto block = Cidr::parse(route.destination)) return {*block};
  return {};
}

std::vector<Cidr> VpcRecords::blocks_of(const SecurityRuleRecord& rule) const {
  if (const auto list = prefix_lists.find(rule.prefix_list_id); list != prefix_lists.end())
    return list->second;
  if (const auto block = Cidr::parse(rule.cidr)) return {*block};
  return {};
}

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
  std::map<std::string, std::vector<Cidr>> lists;
  for (const PrefixListRecord& list : all_prefix_lists(tables)) lists[list.id] = blocks_of(list);
  return VpcRecords{std::move(vpc->value),
                    of_vpc(tables.subnets, vpc_id),
                    of_vpc(tables.route_tables, vpc_id),
                    of_vpc(tables.internet_gateways, vpc_id),
                    of_vpc(tables.nat_gateways, vpc_id),
                    of_vpc(tables.security_groups, vpc_id),
                    of_vpc(tables.network_acls, vpc_id),
                    of_vpc(tables.interfaces, vpc_id),
                    of_vpc(tables.endpoints, vpc_id),
                    of_vpc(tables.flow_logs, vpc_id),
                    std::move(lists)};
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

const NetworkAclRecord* acl_of(const VpcRecords& records, std::string_view subnet_id) {
  const NetworkAclRecord* by_default = nullptr;
  for (const NetworkAclRecord& acl : records.network_acls) {
    if (std::ranges::find(acl.associations, subnet_id, &AclAssociationRecord::subnet_id) !=
        acl.associations.end()) {
      return &acl;
    }
    if (acl.is_default) by_default = &acl;
  }
  return by_default;
}

NextHop next_hop(const VpcRecords& records, const RouteTableRecord& table, Ipv4 destination) {
  const RouteRecord* route = longest_match(records, table, destination);
  if (!route) return nowhere("", fmt::format("{} has no route to it", table.id));
  if (route->target.starts_with("nat-")) return through_nat(records, route->target, destination);
  if (attached_gateway(records, route->target)) {
    return {NextHop::Kind::internet, route->target, nullptr, "", ""};
  }
  return nowhere(route->target,
                 fmt::format("{} is not attached to {}", route->target, records.vpc.id));
}

host::network::VpcSpec network_of(const VpcRecords& records) {
  host::network::VpcSpec out;
  out.id = records.vpc.id;
  out.blocks = {*Cidr::parse(records.vpc.cidr)};
  for (const SubnetRecord& subnet : records.subnets) {
    const RouteTableRecord* table = route_table_of(records, subnet.id);
    out.subnets.push_back({subnet.id, *Cidr::parse(subnet.cidr),
                           table ? external_routes(records, *table) : std::vector<ExternalRoute>(),
                           acl_id_of(records, subnet.id)});
  }
  for (const NetworkAclRecord& acl : records.network_acls) out.acls.push_back(acl_spec(acl));
  for (const SecurityGroupRecord& group : records.security_groups) {
    auto& spec = out.groups.emplace_back();
    spec.id = group.id;
    for (const SecurityRuleRecord& rule : group.rules) {
      add_traffic(records, rule, rule.egress ? spec.egress : spec.ingress);
    }
  }
  for (const NetworkInterfaceRecord& interface : records.interfaces) {
    // A NAT gateway is a translation, not a machine.
    if (interface.type == kNatInterfaceType) continue;
    out.interfaces.push_back({interface.id, interface.subnet_id, *Ipv4::parse(interface.address),
                              interface.mac, Ipv4::parse(interface.public_address),
                              interface.group_ids, interface.unguarded()});
    if (std::ranges::any_of(records.flow_logs,
                            [&](const FlowLogRecord& log) { return covers(log, interface); })) {
      out.flows.addresses.insert(out.interfaces.back().address);
    }
  }
  return out;
}

}  // namespace landfall::ec2
