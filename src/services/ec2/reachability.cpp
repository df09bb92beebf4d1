#include "services/ec2/reachability.h"

namespace landfall::ec2 {
namespace {

// The peer as the rules see it: an address, and the groups it is known by.
struct SeenPeer {
  Ipv4 address;
  std::vector<std::string> groups;  // empty where it comes from outside of the VPC
};

bool admits(const VpcRecords& vpc, const SecurityRuleRecord& rule, bool egress,
            const SeenPeer& peer, int protocol, int port) {
  if (rule.egress != egress) return false;
  const auto number = protocol_number(rule.protocol);
  if (!number || (*number != -1 && *number != protocol)) return false;
  if (*number != -1 && rule.from_port >= 0 && (port < rule.from_port || port > rule.to_port))
    return false;
  if (!rule.group_id.empty())
    return std::ranges::find(peer.groups, rule.group_id) != peer.groups.end();
  return std::ranges::any_of(vpc.blocks_of(rule),
                             [&](const Cidr& block) { return block.contains(peer.address); });
}

bool groups_admit(const PathEnd& end, bool egress, const SeenPeer& peer, int protocol, int port) {
  if (end.interface->unguarded()) return true;
  for (const SecurityGroupRecord& group : end.vpc->security_groups) {
    if (std::ranges::find(end.interface->group_ids, group.id) == end.interface->group_ids.end())
      continue;
    for (const SecurityRuleRecord& rule : group.rules) {
      if (admits(*end.vpc, rule, egress, peer, protocol, port)) return true;
    }
  }
  return false;
}

std::string table_of(const PathEnd& end) {
  const RouteTableRecord* table = route_table_of(*end.vpc, end.interface->subnet_id);
  return table ? table->id : "";
}

constexpr int kTcp = 6, kUdp = 17;

std::string groups_of(const PathEnd& end) {
  return fmt::format("{}", fmt::join(end.interface->group_ids, ", "));
}

// A place for an entry before the one that refuses.
int free_number(const NetworkAclRecord& acl, bool egress, int before) {
  std::set<int> taken;
  for (const AclEntryRecord& entry : acl.entries) {
    if (entry.egress == egress) taken.insert(entry.number);
  }
  int number = before == kLastAclEntry ? 100 : before - 1;
  const int step = before == kLastAclEntry ? 1 : -1;
  while (taken.contains(number)) number += step;
  return std::max(number, 1);
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

// What the list says of a packet; `number` is the entry that decided.
bool acl_allows(const NetworkAclRecord& acl, bool egress, Ipv4 peer, int protocol, int port,
                int& number) {
  std::vector<AclEntryRecord> entries = acl.entries;
  std::ranges::sort(entries, {}, &AclEntryRecord::number);
  for (const AclEntryRecord& entry : entries) {
    const auto wanted = protocol_number(entry.protocol);
    const auto block = Cidr::parse(entry.cidr);
    if (entry.egress != egress || !wanted || !block || !block->contains(peer)) continue;
    if (*wanted != -1 && *wanted != protocol) continue;
    const bool has_ports = *wanted == kTcp || *wanted == kUdp;
    if (has_ports && (port < entry.from_port || port > entry.to_port)) continue;
    number = entry.number;
    return entry.allow;
  }
  number = kLastAclEntry;
  return false;
}

// One direction of a flow through the list of one subnet.
struct AclQuestion {
  const PathEnd& end;
  bool egress;
  Ipv4 peer;
  int port;
  bool answer;  // the packets that go back
};

std::optional<Reachability> acl_problem(const AclQuestion& asked, std::string_view protocol) {
  const NetworkAclRecord* acl = acl_of(*asked.end.vpc, asked.end.interface->subnet_id);
  if (!acl) return {};
  int number = 0;
  if (acl_allows(*acl, asked.egress, asked.peer, protocol_number(protocol).value_or(kTcp),
                 asked.port, number)) {
    return {};
  }
  const std::string_view direction = asked.egress ? "outbound" : "inbound";
  const std::string packets = asked.answer
                                  ? fmt::format("the answers ({} ports 1024-65535)", protocol)
                                  : fmt::format("{} {}", protocol, asked.port);
  const std::string ports =
      asked.answer ? "From=1024,To=65535" : fmt::format("From={0},To={0}", asked.port);
  const std::string entry =
      number == kLastAclEntry ? "no entry allows them" : fmt::format("entry {}", number);
  return blocked(
      "no-acl-entry",
      fmt::format("{} of subnet {} drops {} {} {} {} ({})", acl->id, asked.end.interface->subnet_id,
                  packets, asked.egress ? "to" : "from", asked.peer.str(), direction, entry),
      fmt::format("aws ec2 create-network-acl-entry --network-acl-id {} --{} --rule-number {} "
                  "--protocol {} --port-range {} --cidr-block {}/32 --rule-action allow",
                  acl->id, asked.egress ? "egress" : "ingress",
                  free_number(*acl, asked.egress, number), protocol, ports, asked.peer.str()));
}

// The interface of the NAT gateway between an end and an address outside, if there is one.
const NetworkInterfaceRecord* nat_interface(const PathEnd& end, Ipv4 other) {
  if (!end.interface) return nullptr;
  const RouteTableRecord* table = route_table_of(*end.vpc, end.interface->subnet_id);
  const NextHop hop = table ? next_hop(*end.vpc, *table, other) : NextHop{};
  if (!hop.nat_gateway) return nullptr;
  const auto found = std::ranges::find(end.vpc->interfaces, hop.nat_gateway->interface_id,
                                       &NetworkInterfaceRecord::id);
  return found == end.vpc->interfaces.end() ? nullptr : &*found;
}

// Lists know nothing of connections, so both directions are asked. `source` is as the receiver
// sees it.
std::optional<Reachability> acls_problem(const PathEnd& from, const PathEnd& to, bool inside,
                                         Ipv4 source, Ipv4 target, std::string_view protocol,
                                         int port) {
  constexpr int kSomeClientPort = 40000;
  if (inside && from.interface->subnet_id == to.interface->subnet_id) return {};
  const NetworkInterfaceRecord* nat = inside ? nullptr : nat_interface(from, target);
  const PathEnd between{from.vpc, nat, {}, false};
  for (const bool answer : {false, true}) {
    const int at = answer ? kSomeClientPort : port;
    std::vector<AclQuestion> questions;
    if (from.interface) questions.push_back({from, !answer, target, at, answer});
    if (nat) {
      const Ipv4 sender = *Ipv4::parse(from.interface->address);
      questions.push_back({between, false, answer ? target : sender, at, answer});
      questions.push_back({between, true, answer ? sender : target, at, answer});
    }
    if (to.interface) questions.push_back({to, answer, source, at, answer});
    for (const AclQuestion& question : questions) {
      if (auto problem = acl_problem(question, protocol)) return problem;
    }
  }
  return {};
}

// The address under which a packet of `end` to `other` is seen outside.
Ipv4 seen_outside(const PathEnd& end, Ipv4 other) {
  if (!end.interface) return end.address;
  const RouteTableRecord* table = route_table_of(*end.vpc, end.interface->subnet_id);
  const NextHop hop = table ? next_hop(*end.vpc, *table, other) : NextHop{};
  const std::string& address =
      hop.kind == NextHop::Kind::nat ? hop.nat_address : end.interface->public_address;
  return Ipv4::parse(address).value_or(*Ipv4::parse(end.interface->address));
}

}  // namespace

Reachability reachability(const PathEnd& from, const PathEnd& to, std::string_view protocol,
                          std::uint16_t port) {
  const int number = protocol_number(protocol).value_or(kTcp);
  const bool inside =
      from.interface && to.interface && !to.by_public && from.vpc->vpc.id == to.vpc->vpc.id;
  if (to.interface && to.interface->type == kNatInterfaceType) {
    return blocked("no-route",
                   fmt::format("{} belongs to a NAT gateway, which lets connections out, not in",
                               to.interface->id),
                   "");
  }
  SeenPeer source, target;
  if (inside) {
    source = {*Ipv4::parse(from.interface->address), from.interface->group_ids};
    target = {*Ipv4::parse(to.interface->address), to.interface->group_ids};
  } else {
    // Without a public address the private one stands in for it, until the answer says so.
    target.address = to.interface ? Ipv4::parse(to.interface->public_address)
                                        .value_or(*Ipv4::parse(to.interface->address))
                                  : to.address;
    source.address = seen_outside(from, target.address);
    if (to.interface) {
      if (auto problem = outside_problem(to, source.address, true)) return *problem;
    }
    if (from.interface) {
      if (auto problem = outside_problem(from, target.address, false)) return *problem;
    }
  }

  if (from.interface && !groups_admit(from, true, target, number, port)) {
    const std::string permission =
        inside && !first_group(to).empty()
            ? fmt::format(
                  "--ip-permissions IpProtocol={0},FromPort={1},ToPort={1},"
                  "UserIdGroupPairs=[{{GroupId={2}}}]",
                  protocol, port, first_group(to))
            : fmt::format("--protocol {} --port {} --cidr {}/32", protocol, port,
                          target.address.str());
    return blocked("no-egress-rule",
                   fmt::format("no outbound rule of {} ({}) allows {} {} to {}", groups_of(from),
                               from.interface->id, protocol, port, target.address.str()),
                   fmt::format("aws ec2 authorize-security-group-egress --group-id {} {}",
                               first_group(from), permission));
  }
  if (to.interface && !groups_admit(to, false, source, number, port)) {
    const std::string peer = inside && !first_group(from).empty()
                                 ? "--source-group " + first_group(from)
                                 : fmt::format("--cidr {}/32", source.address.str());
    return blocked(
        "no-ingress-rule",
        fmt::format("no inbound rule of {} ({}) allows {} {} from {}", groups_of(to),
                    to.interface->id, protocol, port, source.address.str()),
        fmt::format(
            "aws ec2 authorize-security-group-ingress --group-id {} --protocol {} --port {} {}",
            first_group(to), protocol, port, peer));
  }
  if (auto problem =
          acls_problem(from, to, inside, source.address, target.address, protocol, port)) {
    return *problem;
  }
  return {true, "allowed",
          fmt::format("{} {} may pass from {} to {}", protocol, port, source.address.str(),
                      target.address.str()),
          ""};
}

}  // namespace landfall::ec2
