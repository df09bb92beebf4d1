#include "host/network/firewall.h"

namespace landfall::host::network {
namespace {

constexpr std::string_view kTable = "inet landfall";

// "sg-0123" as part of a chain or set name.
std::string identifier(std::string_view prefix, std::string_view id, std::string_view suffix = {}) {
  std::string name = fmt::format("{}_{}{}", prefix, id, suffix);
  std::ranges::replace(name, '-', '_');
  return name;
}
std::string members_of(std::string_view group) { return identifier("members", group); }

std::string protocol_match(const TrafficRule& rule) {
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

// `side` is the peer's address in the packet: saddr for ingress, daddr for egress.
std::vector<std::string> group_rules(const std::vector<TrafficRule>& rules, std::string_view side,
                                     const std::set<std::string>& known_groups) {
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
    lines.push_back(peer + protocol_match(rule) + "accept");
  }
  std::ranges::sort(lines);
  const auto [first, last] = std::ranges::unique(lines);
  lines.erase(first, last);
  return lines;
}

// Interval sets refuse elements that overlap: a block inside another adds nothing.
std::vector<Cidr> without_contained(std::vector<Cidr> blocks) {
  std::ranges::sort(blocks, {}, [](const Cidr& c) { return std::pair(c.length, c.base); });
  std::vector<Cidr> kept;
  for (const Cidr& block : blocks) {
    const bool covered =
        std::ranges::any_of(kept, [&](const Cidr& k) { return k.contains(block); });
    if (!covered) kept.push_back(block);
  }
  return kept;
}

void add_interface(Ruleset& out, const InterfaceSpec& interface, const SubnetSpec* subnet,
                   const std::set<std::string>& known_groups) {
  const std::string device = interface_device(interface.id);
  const std::string address = interface.address.str();
  out.sets["bound"].elements.insert(fmt::format("\"{}\" . {}", device, address));

  const std::string in_chain = device + "_in", out_chain = device + "_out";
  out.chains[in_chain];
  out.chains[out_chain];
  for (const std::string& group : interface.security_groups) {
    if (!known_groups.contains(group)) continue;
    out.chains[in_chain].push_back("jump " + identifier("in", group));
    out.chains[out_chain].push_back("jump " + identifier("out", group));
    out.sets[members_of(group)].elements.insert(address);
  }
  out.maps["ingress"].elements[fmt::format("\"{}\"", device)] = "jump " + in_chain;
  out.maps["egress"].elements[fmt::format("\"{}\"", device)] = "jump " + out_chain;

  if (!subnet) return;
  std::vector<Cidr> destinations;
  for (const ExternalRoute& route : subnet->routes) {
    if (route.nat_gateway) {
      destinations.push_back(route.destination);
      out.maps["public_of"].elements[address] = route.nat_gateway->str();
    } else if (interface.public_address) {
      destinations.push_back(route.destination);
      out.maps["public_of"].elements[address] = interface.public_address->str();
      out.maps["private_of"].elements[interface.public_address->str()] = address;
    }
  }
  for (const Cidr& destination : without_contained(std::move(destinations))) {
    out.sets["uplink_routes"].elements.insert(fmt::format("{} . {}", address, destination.str()));
  }
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

void add_base_chains(Ruleset& out, const VpcSpec& vpc) {
  const std::string answers = "ct direction reply ct state established accept";
  out.base_chains["source"] = {
      "type filter hook prerouting priority raw; policy drop;",
      "iifname { \"lo\", \"uplink\" } accept",
      "iifname . ip saddr @bound accept",
  };
  out.base_chains["leaving"] = {
      "type filter hook forward priority 0; policy drop;",
      "iifname \"uplink\" oifname \"uplink\" drop",
      "oifname \"uplink\" ip saddr . ip daddr != @uplink_routes drop",
      "ct state related accept",
      answers,
      "iifname vmap @egress",
  };
  out.base_chains["arriving"] = {
      "type filter hook forward priority 10; policy drop;",
      "ct state related accept",
      answers,
      "oifname vmap @ingress",
  };
  out.base_chains["local"] = local_chain(vpc);
  out.base_chains["translate_in"] = {
      "type nat hook prerouting priority dstnat; policy accept;",
      "iifname \"uplink\" dnat ip to ip daddr map @private_of",
  };
  out.base_chains["translate_out"] = {
      "type nat hook postrouting priority srcnat; policy accept;",
      "oifname \"uplink\" snat ip to ip saddr map @public_of",
  };
}

std::string braces(const std::set<std::string>& elements) {
  return fmt::format("{{ {} }}", fmt::join(elements, ", "));
}
std::string braces(const std::map<std::string, std::string>& elements) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : elements) pairs.push_back(fmt::format("{} : {}", key, value));
  return fmt::format("{{ {} }}", fmt::join(pairs, ", "));
}

// Elements of `from` that `other` does not hold equally.
std::set<std::string> only_in(const std::set<std::string>& from,
                              const std::set<std::string>& other) {
  std::set<std::string> out;
  std::ranges::set_difference(from, other, std::inserter(out, out.end()));
  return out;
}
std::map<std::string, std::string> only_in(const std::map<std::string, std::string>& from,
                                           const std::map<std::string, std::string>& other) {
  std::map<std::string, std::string> out;
  std::ranges::set_difference(from, other, std::inserter(out, out.end()));
  return out;
}

// Appends the commands that make the elements of the sets (or maps) of `before` those of `after`.
template <class Collection>
void change_elements(std::string& script, const std::map<std::string, Collection>& before,
                     const std::map<std::string, Collection>& after) {
  static const Collection kNone;
  for (const auto& [name, wanted] : after) {
    const auto found = before.find(name);
    const Collection& had = found == before.end() ? kNone : found->second;
    const auto gone = only_in(had.elements, wanted.elements);
    const auto added = only_in(wanted.elements, had.elements);
    if (!gone.empty()) {
      script += fmt::format("delete element {} {} {}\n", kTable, name, braces(gone));
    }
    if (!added.empty()) {
      script += fmt::format("add element {} {} {}\n", kTable, name, braces(added));
    }
  }
}

template <class Collection>
bool same_types(const std::map<std::string, Collection>& before,
                const std::map<std::string, Collection>& after) {
  return std::ranges::all_of(after, [&](const auto& entry) {
    const auto found = before.find(entry.first);
    return found == before.end() || found->second.type == entry.second.type;
  });
}

}  // namespace

Ruleset compile_firewall(const VpcSpec& vpc) {
  Ruleset out;
  out.sets["bound"].type = "type ifname . ipv4_addr;";
  out.sets["uplink_routes"].type = "type ipv4_addr . ipv4_addr; flags interval;";
  out.maps["public_of"].type = "type ipv4_addr : ipv4_addr;";
  out.maps["private_of"].type = "type ipv4_addr : ipv4_addr;";
  out.maps["ingress"].type = "type ifname : verdict;";
  out.maps["egress"].type = "type ifname : verdict;";
  // What the uplink brings was judged by nobody yet: only the receiver's rules count. What goes to
  // the uplink has been judged by the sender's.
  out.maps["ingress"].elements["\"uplink\""] = "accept";
  out.maps["egress"].elements["\"uplink\""] = "accept";

  std::set<std::string> known_groups;
  for (const SecurityGroupSpec& group : vpc.groups) known_groups.insert(group.id);
  for (const SecurityGroupSpec& group : vpc.groups) {
    out.sets[members_of(group.id)].type = "type ipv4_addr;";
    out.chains[identifier("in", group.id)] = group_rules(group.ingress, "saddr", known_groups);
    out.chains[identifier("out", group.id)] = group_rules(group.egress, "daddr", known_groups);
  }
  for (const InterfaceSpec& interface : vpc.interfaces) {
    const auto subnet = std::ranges::find(vpc.subnets, interface.subnet_id, &SubnetSpec::id);
    add_interface(out, interface, subnet == vpc.subnets.end() ? nullptr : &*subnet, known_groups);
  }
  add_base_chains(out, vpc);
  return out;
}

std::string full_script(const Ruleset& wanted) {
  // "add, delete, add" makes the deletion succeed whether or not the table is there.
  std::string script = fmt::format("add table {0}\ndelete table {0}\nadd table {0}\n", kTable);
  for (const auto& [name, set] : wanted.sets) {
    script += fmt::format("add set {} {} {{ {} }}\n", kTable, name, set.type);
  }
  // Verdict maps name chains, and chains name sets: declare all before filling any.
  for (const auto& [name, rules] : wanted.chains)
    script += fmt::format("add chain {} {}\n", kTable, name);
  for (const auto& [name, map] : wanted.maps) {
    script += fmt::format("add map {} {} {{ {} }}\n", kTable, name, map.type);
  }
  change_elements(script, {}, wanted.sets);
  change_elements(script, {}, wanted.maps);
  for (const auto& [name, rules] : wanted.chains) {
    for (const std::string& rule : rules)
      script += fmt::format("add rule {} {} {}\n", kTable, name, rule);
  }
  for (const auto& [name, lines] : wanted.base_chains) {
    script += fmt::format("add chain {} {} {{ {} }}\n", kTable, name, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) {
      script += fmt::format("add rule {} {} {}\n", kTable, name, lines[i]);
    }
  }
  return script;
}

std::string change_script(const Ruleset& applied, const Ruleset& wanted) {
  if (applied == wanted) return "";
  if (applied.base_chains != wanted.base_chains || !same_types(applied.sets, wanted.sets) ||
      !same_types(applied.maps, wanted.maps)) {
    return full_script(wanted);
  }
  std::string script;
  for (const auto& [name, set] : wanted.sets) {
    if (applied.sets.contains(name)) continue;
    script += fmt::format("add set {} {} {{ {} }}\n", kTable, name, set.type);
  }
  for (const auto& [name, rules] : wanted.chains) {
    if (!applied.chains.contains(name)) script += fmt::format("add chain {} {}\n", kTable, name);
  }
  for (const auto& [name, rules] : wanted.chains) {
    const auto had = applied.chains.find(name);
    if (had != applied.chains.end()) {
      if (had->second == rules) continue;
      script += fmt::format("flush chain {} {}\n", kTable, name);
    }
    for (const std::string& rule : rules)
      script += fmt::format("add rule {} {} {}\n", kTable, name, rule);
  }
  change_elements(script, applied.sets, wanted.sets);
  change_elements(script, applied.maps, wanted.maps);
  // What refers to others goes first: rules, then chains, then the sets they named.
  std::string removal;
  for (const auto& [name, rules] : applied.chains) {
    if (wanted.chains.contains(name)) continue;
    script += fmt::format("flush chain {} {}\n", kTable, name);
    removal += fmt::format("delete chain {} {}\n", kTable, name);
  }
  for (const auto& [name, set] : applied.sets) {
    if (!wanted.sets.contains(name)) removal += fmt::format("delete set {} {}\n", kTable, name);
  }
  return script + removal;
}

}  // namespace landfall::host::network
