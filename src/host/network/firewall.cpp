#include "host/network/firewall.h"

#include "base/bytes.h"
#include "host/network/flows.h"

namespace landfall::host::network {
namespace {

// "sg-0123" as part of a chain or set name.
std::string identifier(std::string_view prefix, std::string_view id, std::string_view suffix = {}) {
  std::string name = fmt::format("{}_{}{}", prefix, id, suffix);
  std::ranges::replace(name, '-', '_');
  return name;
}
std::string members_of(std::string_view group) { return identifier("members", group); }

template <class Rule>
std::string protocol_match(const Rule& rule) {
  constexpr int kIcmp = 1, kTcp = 6, kUdp = 17;
  if (rule.protocol == -1) return "";
  if (rule.protocol == kIcmp) {
    std::string match = "ip protocol icmp ";
    if (rule.from_port >= 0) match += fmt::format("icmp type {} ", rule.from_port);
    if (rule.from_port >= 0 && rule.to_port >= 0)
      match += fmt::format("icmp code {} ", rule.to_port);
    return match;
  }
  if ((rule.protocol != kTcp && rule.protocol != kUdp) || rule.from_port < 0) {
    return fmt::format("meta l4proto {} ", rule.protocol);
  }
  const char* name = rule.protocol == kTcp ? "tcp" : "udp";
  if (rule.from_port == 0 && rule.to_port == 65535) return fmt::format("meta l4proto {} ", name);
  if (rule.from_port == rule.to_port) return fmt::format("{} dport {} ", name, rule.from_port);
  return fmt::format("{} dport {}-{} ", name, rule.from_port, rule.to_port);
}

// Bits of the connection's mark: admitted, on its way out of the sender or into the receiver, by a
// rule that keeps the connection.
constexpr int kKeptOut = 1, kKeptIn = 2;

bool for_everybody(const TrafficRule& rule) { return rule.block && rule.block->length == 0; }
bool admits_everything(const TrafficRule& rule) {
  return for_everybody(rule) && rule.protocol == -1;
}

// `side` is the peer's address in the packet: saddr for ingress, daddr for egress.
std::vector<std::string> group_rules(const std::vector<TrafficRule>& rules, bool egress,
                                     const std::set<std::string>& known_groups) {
  const std::string_view side = egress ? "daddr" : "saddr", end = egress ? "out" : "in";
  std::vector<std::string> lines;
  for (const TrafficRule& rule : rules) {
    std::string peer;
    if (rule.block) {
      if (rule.block->length > 0) peer = fmt::format("ip {} {} ", side, rule.block->str());
    } else {
      // A group that is gone (a stale rule) admits nobody.
      if (!known_groups.contains(rule.group)) continue;
      peer = fmt::format("ip {} @{} ", side, members_of(rule.group));
    }
    lines.push_back(fmt::format("{}{}goto {}_{}", peer, protocol_match(rule),
                                for_everybody(rule) ? "open" : "kept", end));
  }
  std::ranges::sort(lines);
  const auto [first, last] = std::ranges::unique(lines);
  lines.erase(first, last);
  return lines;
}

std::vector<std::string> acl_rules(const std::vector<AclRule>& rules, bool egress) {
  const std::string_view side = egress ? "daddr" : "saddr";
  const std::string refuse = fmt::format("goto refused_{}", egress ? "out" : "in");
  std::vector<std::string> lines;
  for (const AclRule& rule : rules) {
    const std::string peer =
        rule.block.length > 0 ? fmt::format("ip {} {} ", side, rule.block.str()) : "";
    lines.push_back(peer + protocol_match(rule) + (rule.allow ? "return" : refuse));
  }
  lines.push_back(refuse);
  return lines;
}

// A list whose first line lets everything pass, as those that AWS makes do, needs no chain.
bool passes_everything(const std::vector<AclRule>& rules) {
  return !rules.empty() && rules.front().allow && rules.front().protocol == -1 &&
         rules.front().block.length == 0;
}

std::string range_text(Ipv4 first, Ipv4 last) {
  for (int length = 32; length >= 0; --length) {
    const Cidr block{first, length};
    if (block.last() == last && Cidr::parse(block.str()) == block) return block.str();
    if (block.last() > last) break;
  }
  return fmt::format("{}-{}", first.str(), last.str());
}

std::vector<std::string> local_chain(const VpcSpec& vpc) {
  std::vector<std::string> lines = {"type filter hook input priority 0; policy drop;",
                                    "iifname \"lo\" accept", "ct state established,related accept"};
  const auto ports = [](const std::vector<std::uint16_t>& list) {
    return fmt::format("{{ {} }}", fmt::join(list, ", "));
  };
  for (const LocalService& service : local_services(vpc)) {
    const std::string to = fmt::format("iifname != \"uplink\" ip daddr {} ", service.address.str());
    if (!service.tcp_ports.empty()) {
      lines.push_back(fmt::format("{}tcp dport {} accept", to, ports(service.tcp_ports)));
    }
    if (!service.udp_ports.empty()) {
      lines.push_back(fmt::format("{}udp dport {} accept", to, ports(service.udp_ports)));
    }
  }
  return lines;
}

class Compiler {
 public:
  explicit Compiler(const VpcSpec& vpc) : vpc_(vpc) {
    for (const SecurityGroupSpec& group : vpc.groups) groups_[group.id] = &group;
    for (const AclSpec& acl : vpc.acls) acls_[acl.id] = &acl;
    for (const SubnetSpec& subnet : vpc.subnets) subnets_[subnet.id] = &subnet;
  }
  Ruleset run();

 private:
  void add_groups();
  void add_acls();
  void add_interface(const InterfaceSpec& interface);
  std::string verdict(const InterfaceSpec& interface, bool egress);
  bool open(const InterfaceSpec& interface, bool egress) const;
  std::vector<std::string> subnet_acl(const SubnetSpec& subnet, bool egress) const;
  void add_base_chains();
  void add_counting();

  const VpcSpec& vpc_;
  std::map<std::string, const SecurityGroupSpec*> groups_;
  std::map<std::string, const AclSpec*> acls_;
  std::map<std::string, const SubnetSpec*> subnets_;
  Ruleset out_;
};

void Compiler::add_groups() {
  std::set<std::string> known;
  for (const auto& [id, group] : groups_) known.insert(id);
  for (const SecurityGroupSpec& group : vpc_.groups) {
    out_.sets[members_of(group.id)].type = "type ipv4_addr;";
    out_.chains[identifier("in", group.id)] = group_rules(group.ingress, false, known);
    out_.chains[identifier("out", group.id)] = group_rules(group.egress, true, known);
  }
}

// Whether the interface's rules admit everything from (or to) everybody.
bool Compiler::open(const InterfaceSpec& interface, bool egress) const {
  if (interface.unguarded) return true;
  return std::ranges::any_of(interface.security_groups, [&](const std::string& id) {
    const auto group = groups_.find(id);
    return group != groups_.end() &&
           std::ranges::any_of(egress ? group->second->egress : group->second->ingress,
                               admits_everything);
  });
}

// Interfaces with the same groups share a chain.
std::string Compiler::verdict(const InterfaceSpec& interface, bool egress) {
  const std::string_view prefix = egress ? "out" : "in";
  if (interface.unguarded) return fmt::format("goto open_{}", prefix);
  std::set<std::string> known;
  for (const std::string& id : interface.security_groups) {
    if (groups_.contains(id)) known.insert(id);
  }
  if (known.empty()) return fmt::format("goto refused_{}", prefix);
  if (known.size() == 1) return "jump " + identifier(prefix, *known.begin());
  std::string ids;
  for (const std::string& id : known) ids += id + " ";
  const std::string name = fmt::format("{}_all_{}", prefix, sha256_hex(ids).substr(0, 32));
  auto& chain = out_.chains[name];
  if (chain.empty()) {
    for (const std::string& id : known) chain.push_back("jump " + identifier(prefix, id));
  }
  return "jump " + name;
}

// What the lists of the subnet (and of the subnet of its NAT gateway) say. Inside a subnet no list
// is asked.
std::vector<std::string> Compiler::subnet_acl(const SubnetSpec& subnet, bool egress) const {
  std::vector<std::string> lines;
  const auto ask = [&](const std::string& match, const std::string& id, bool out) {
    const auto acl = acls_.find(id);
    if (acl == acls_.end()) return;
    if (passes_everything(out ? acl->second->egress : acl->second->ingress)) return;
    lines.push_back(match + "jump " + identifier(out ? "acl_out" : "acl_in", id));
  };
  if (egress) ask("", subnet.acl_id, true);
  for (const ExternalRoute& route : subnet.routes) {
    if (!route.nat_gateway) continue;
    const std::string match =
        fmt::format("{} \"uplink\" ip {} {} ", egress ? "oifname" : "iifname",
                    egress ? "daddr" : "saddr", range_text(route.first, route.last));
    ask(match, route.nat_acl_id, false);
    ask(match, route.nat_acl_id, true);
  }
  if (!egress) ask("", subnet.acl_id, false);
  if (!lines.empty()) {
    lines.insert(lines.begin(),
                 fmt::format("ip {} {} return", egress ? "daddr" : "saddr", subnet.block.str()));
  }
  return lines;
}

void Compiler::add_acls() {
  for (const AclSpec& acl : vpc_.acls) {
    if (!passes_everything(acl.ingress)) {
      out_.chains[identifier("acl_in", acl.id)] = acl_rules(acl.ingress, false);
    }
    if (!passes_everything(acl.egress)) {
      out_.chains[identifier("acl_out", acl.id)] = acl_rules(acl.egress, true);
    }
  }
  for (const SubnetSpec& subnet : vpc_.subnets) {
    for (const bool egress : {true, false}) {
      auto lines = subnet_acl(subnet, egress);
      if (lines.empty()) continue;
      out_.chains[identifier(egress ? "leave" : "enter", subnet.id)] = std::move(lines);
    }
  }
}

void Compiler::add_interface(const InterfaceSpec& interface) {
  const std::string device = fmt::format("\"{}\"", interface_device(interface.id));
  const std::string address = interface.address.str();
  out_.sets["bound"].elements.insert(fmt::format("{} . {}", device, address));
  for (const std::string& group : interface.security_groups) {
    if (groups_.contains(group)) out_.sets[members_of(group)].elements.insert(address);
  }
  out_.maps["ingress"].elements[device] = verdict(interface, false);
  out_.maps["egress"].elements[device] = verdict(interface, true);
  if (!open(interface, true)) out_.sets["keeps_in"].elements.insert(device);
  if (!open(interface, false)) out_.sets["keeps_out"].elements.insert(device);

  const auto subnet = subnets_.find(interface.subnet_id);
  if (subnet == subnets_.end()) return;
  const std::string leave = identifier("leave", interface.subnet_id);
  const std::string enter = identifier("enter", interface.subnet_id);
  if (out_.chains.contains(leave)) out_.maps["acl_out"].elements[device] = "jump " + leave;
  if (out_.chains.contains(enter)) out_.maps["acl_in"].elements[device] = "jump " + enter;
  for (const ExternalRoute& route : subnet->second->routes) {
    const std::string path = fmt::format("{} . {}", address, range_text(route.first, route.last));
    if (route.nat_gateway) {
      out_.maps["public_of"].elements[path] = route.nat_gateway->str();
    } else if (interface.public_address) {
      out_.maps["public_of"].elements[path] = interface.public_address->str();
      out_.maps["private_of"].elements[interface.public_address->str()] = address;
    }
  }
}

std::vector<std::string> keep(int bit, std::vector<std::string> when) {
  std::vector<std::string> lines;
  for (const std::string& match : when) {
    lines.push_back(fmt::format("{}ct mark set ct mark | {:#x}", match, bit));
  }
  lines.emplace_back("accept");
  return lines;
}

void Compiler::add_base_chains() {
  const std::string answers = "ct direction reply ct state established accept";
  const auto kept = [](int bit) {
    return fmt::format("ct mark & {0:#x} == {0:#x} ct state established accept", bit);
  };
  const std::string not_untracked = "meta l4proto != { tcp, udp } ";
  out_.chains["kept_in"] = keep(kKeptIn, {""});
  out_.chains["kept_out"] = keep(kKeptOut, {""});
  out_.chains["open_in"] = keep(kKeptIn, {"oifname @keeps_in ", not_untracked});
  out_.chains["open_out"] = keep(kKeptOut, {"iifname @keeps_out ", not_untracked});
  out_.base_chains["source"] = {
      "type filter hook prerouting priority raw; policy drop;",
      "iifname { \"lo\", \"uplink\" } accept",
      "iifname . ip saddr @bound accept",
  };
  out_.base_chains["acl_leaving"] = {
      "type filter hook forward priority -20; policy accept;",
      "iifname vmap @acl_out",
  };
  out_.base_chains["acl_arriving"] = {
      "type filter hook forward priority 5; policy accept;",
      "oifname vmap @acl_in",
  };
  out_.base_chains["leaving"] = {
      "type filter hook forward priority 0; policy drop;",
      "iifname \"uplink\" oifname \"uplink\" drop",
      "oifname \"uplink\" ip saddr . ip daddr != @public_of drop",
      "ct state related accept",
      answers,
      kept(kKeptOut),
      "iifname vmap @egress",
      "goto refused_out",
  };
  out_.base_chains["arriving"] = {
      "type filter hook forward priority 10; policy drop;",
      "ct state related accept",
      answers,
      kept(kKeptIn),
      "oifname vmap @ingress",
      "goto refused_in",
  };
  out_.base_chains["local"] = local_chain(vpc_);
  out_.base_chains["translate_in"] = {
      "type nat hook prerouting priority dstnat; policy accept;",
      "iifname \"uplink\" dnat ip to ip daddr map @private_of",
  };
  out_.base_chains["translate_out"] = {
      "type nat hook postrouting priority srcnat; policy accept;",
      "oifname \"uplink\" snat ip to ip saddr . ip daddr map @public_of",
  };
}

// "passed_out" -> what counts a packet that the sender's rules let pass.
std::string counting_chain(bool accepted, bool egress) {
  return fmt::format("count_{}_{}", accepted ? "passed" : "refused", egress ? "out" : "in");
}

Chains counting_chains(int generation) {
  Chains out;
  for (const FlowSet& set : flow_sets()) {
    const char* side = set.egress ? "saddr" : "daddr";
    out[counting_chain(set.accepted, set.egress)].push_back(
        set.ports
            ? fmt::format("ip {} @watched meta l4proto {{ tcp, udp }} add @{} {{ ip saddr . ip "
                          "daddr . meta l4proto . th sport . th dport counter }}",
                          side, flow_set_name(set, generation))
            : fmt::format("ip {} @watched meta l4proto != {{ tcp, udp }} add @{} {{ ip saddr . ip "
                          "daddr . meta l4proto counter }}",
                          side, flow_set_name(set, generation)));
  }
  return out;
}

// Packets that were let pass are counted when the sender's side is done and when the receiver's is;
// those that were not, where they end.
void Compiler::add_counting() {
  out_.chains["refused_out"] = out_.chains["refused_in"] = {"drop"};
  if (vpc_.flows.addresses.empty()) return;
  auto& watched = out_.sets["watched"];
  watched.type = "type ipv4_addr;";
  for (const Ipv4 address : vpc_.flows.addresses) watched.elements.insert(address.str());
  for (const int generation : {0, 1}) {
    for (const FlowSet& set : flow_sets()) {
      out_.sets[flow_set_name(set, generation)].type = fmt::format(
          "type ipv4_addr . ipv4_addr . inet_proto{}; size {}; flags dynamic,timeout; timeout {}s;",
          set.ports ? " . inet_service . inet_service" : "", kMostFlows, kFlowLifetimeS);
    }
  }
  for (auto& [name, lines] : counting_chains(vpc_.flows.generation)) out_.chains[name] = lines;
  for (const bool egress : {true, false}) {
    const char* end = egress ? "out" : "in";
    out_.chains[fmt::format("refused_{}", end)] = {"jump " + counting_chain(false, egress), "drop"};
    out_.base_chains[fmt::format("counted_{}", end)] = {
        fmt::format("type filter hook forward priority {}; policy accept;", egress ? 3 : 20),
        "jump " + counting_chain(true, egress)};
  }
}

Ruleset Compiler::run() {
  out_.sets["bound"].type = "type ifname . ipv4_addr;";
  out_.sets["keeps_in"].type = out_.sets["keeps_out"].type = "type ifname;";
  out_.maps["public_of"].type = "type ipv4_addr . ipv4_addr : ipv4_addr; flags interval;";
  out_.maps["private_of"].type = "type ipv4_addr : ipv4_addr;";
  for (const char* name : {"ingress", "egress", "acl_in", "acl_out"}) {
    out_.maps[name].type = "type ifname : verdict;";
  }
  // What the uplink brings was judged by nobody yet: only the receiver's rules count. What goes
  // to the uplink has been judged by the sender's.
  out_.maps["ingress"].elements["\"uplink\""] = "accept";
  out_.maps["egress"].elements["\"uplink\""] = "accept";
  add_groups();
  add_acls();
  for (const InterfaceSpec& interface : vpc_.interfaces) add_interface(interface);
  add_base_chains();
  add_counting();
  return std::move(out_);
}

}  // namespace

std::optional<Chains> changed_chains(const VpcSpec& before, const VpcSpec& after) {
  const auto same_place = [](const SecurityGroupSpec& a, const SecurityGroupSpec& b) {
    // Whether a group admits everything decides which connections its interfaces keep.
    const auto any = [](const std::vector<TrafficRule>& rules) {
      return std::ranges::any_of(rules, admits_everything);
    };
    return a.id == b.id && any(a.ingress) == any(b.ingress) && any(a.egress) == any(b.egress);
  };
  if (before.id != after.id || before.blocks != after.blocks || before.subnets != after.subnets ||
      before.acls != after.acls || before.interfaces != after.interfaces ||
      before.flows.addresses != after.flows.addresses ||
      !std::ranges::equal(before.groups, after.groups, same_place)) {
    return {};
  }
  std::set<std::string> known;
  for (const SecurityGroupSpec& group : after.groups) known.insert(group.id);
  Chains chains;
  if (before.flows.generation != after.flows.generation && !after.flows.addresses.empty())
    chains = counting_chains(after.flows.generation);
  for (std::size_t i = 0; i < after.groups.size(); ++i) {
    const SecurityGroupSpec& was = before.groups[i];
    const SecurityGroupSpec& is = after.groups[i];
    if (was.ingress != is.ingress) {
      chains[identifier("in", is.id)] = group_rules(is.ingress, false, known);
    }
    if (was.egress != is.egress) {
      chains[identifier("out", is.id)] = group_rules(is.egress, true, known);
    }
  }
  return chains;
}

Ruleset compile_firewall(const VpcSpec& vpc) { return Compiler(vpc).run(); }

}  // namespace landfall::host::network
