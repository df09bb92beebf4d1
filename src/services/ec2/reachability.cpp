#include "services/ec2/reachability.h"

namespace landfall::ec2 {
namespace {

// The peer as the rules see it: an address, and the groups it is known by.
struct SeenPeer {
  Ipv4 address;
  std::vector<std::string> groups;  // empty where it comes from outside of the VPC
};

bool admits(const SecurityRuleRecord& rule, bool egress, const SeenPeer& peer, int protocol,
            int port) {
  if (rule.egress != egress) return false;
  const auto number = protocol_number(rule.protocol);
  if (!number || (*number != -1 && *number != protocol)) return false;
  if (*number != -1 && rule.from_port >= 0 && (port < rule.from_port || port > rule.to_port))
    return false;
  if (!rule.group_id.empty())
    return std::ranges::find(peer.groups, rule.group_id) != peer.groups.end();
  const auto block = Cidr::parse(rule.cidr);
  return block && block->contains(peer.address);
}

bool groups_admit(const PathEnd& end, bool egress, const SeenPeer& peer, int protocol, int port) {
  for (const SecurityGroupRecord& group : end.vpc->security_groups) {
    if (std::ranges::find(end.interface->group_ids, group.id) == end.interface->group_ids.end())
      continue;
    for (const SecurityRuleRecord& rule : group.rules) {
      if (admits(rule, egress, peer, protocol, port)) return true;
    }
  }
  return false;
}

std::string table_of(const PathEnd& end) {
  const RouteTableRecord* table = route_table_of(*end.vpc, end.interface->subnet_id);
  return table ? table->id : "";
}

std::string first_group(const PathEnd& end) {
  return end.interface->group_ids.empty() ? "" : end.interface->group_ids.front();
}

Reachability blocked(std::string reason, std::string why, std::string remedy) {
  return {false, std::move(reason), std::move(why), std::move(remedy)};
}

// One end's way to and from an address outside of its VPC; `inward` for the end that is called.
std::optional<Reachability> outside_problem(const PathEnd& end, Ipv4 other, bool inward) {
  const NetworkInterfaceRecord& interface = *end.interface;
  const RouteTableRecord* table = route_table_of(*end.vpc, interface.subnet_id);
  const NextHop hop = table ? next_hop(*end.vpc, *table, other) : NextHop{};
  const bool through_nat = hop.kind == NextHop::Kind::nat;
  if (hop.kind == NextHop::Kind::nowhere || (inward && through_nat)) {
    const std::string problem =
        inward && through_nat ? hop.route_target + " lets connections out, not in" : hop.problem;
    return blocked(
        "no-route",
        fmt::format(
            "subnet {} of {} has no route to {} by an internet gateway (route table {}: {})",
            interface.subnet_id, interface.id, other.str(), table_of(end), problem),
        fmt::format("aws ec2 {}-route --route-table-id {} --destination-cidr-block 0.0.0.0/0 "
                    "--gateway-id <internet gateway of {}>",
                    hop.route_target.empty() ? "create" : "replace", table_of(end),
                    end.vpc->vpc.id));
  }
  if (interface.public_address.empty() && !through_nat) {
    return blocked(
        "no-public-address",
        fmt::format("{} ({}) has no public address, so it is cut off from everything outside of {}",
                    interface.id, interface.address, end.vpc->vpc.id),
        "give it one (assignPublicIp=ENABLED, PubliclyAccessible), or connect from inside the VPC");
  }
  return {};
}

}  // namespace

Reachability reachability(const PathEnd& from, const PathEnd& to, std::string_view protocol,
                          std::uint16_t port) {
  const int number = protocol_number(protocol).value_or(6);
  const bool same_vpc = from.vpc && to.vpc && from.vpc->vpc.id == to.vpc->vpc.id;
  const auto public_of = [](const PathEnd& end) {
    if (!end.interface) return end.address;
    return Ipv4::parse(end.interface->public_address)
        .value_or(*Ipv4::parse(end.interface->address));
  };

  SeenPeer source, target;
  if (same_vpc) {
    source = {*Ipv4::parse(from.interface->address), from.interface->group_ids};
    target = {*Ipv4::parse(to.interface->address), to.interface->group_ids};
  } else {
    source = {public_of(from), {}};
    target = {public_of(to), {}};
    if (from.interface) {
      if (auto problem = outside_problem(from, target.address, false)) return *problem;
    }
    if (to.interface) {
      if (auto problem = outside_problem(to, source.address, true)) return *problem;
    }
  }

  if (from.interface && !groups_admit(from, true, target, number, port)) {
    return blocked(
        "no-egress-rule",
        fmt::format("no outbound rule of {} ({}) allows {} {} to {}", first_group(from),
                    from.interface->id, protocol, port, target.address.str()),
        fmt::format("aws ec2 authorize-security-group-egress --group-id {} --protocol {} --port {} "
                    "--cidr {}/32",
                    first_group(from), protocol, port, target.address.str()));
  }
  if (to.interface && !groups_admit(to, false, source, number, port)) {
    const std::string peer = same_vpc && !first_group(from).empty()
                                 ? "--source-group " + first_group(from)
                                 : fmt::format("--cidr {}/32", source.address.str());
    return blocked(
        "no-ingress-rule",
        fmt::format("no inbound rule of {} ({}) allows {} {} from {}", first_group(to),
                    to.interface->id, protocol, port, source.address.str()),
        fmt::format(
            "aws ec2 authorize-security-group-ingress --group-id {} --protocol {} --port {} {}",
            first_group(to), protocol, port, peer));
  }
  return {true, "allowed",
          fmt::format("{} {} may pass from {} to {}", protocol, port, source.address.str(),
                      target.address.str()),
          ""};
}

}  // namespace landfall::ec2
