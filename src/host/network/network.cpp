#include "host/network/network.h"

#include "host/network/conntrack.h"
#include "host/network/namespaces.h"
#include "io/process.h"

namespace landfall::host::network {
namespace {

// The two ends of every uplink. Each VPC has a namespace of its own, so all can use the same pair.
constexpr std::string_view kEdgeEnd = "169.254.200.1";
constexpr std::string_view kVpcEnd = "169.254.200.2";

const Settings kRouterSettings = {
    {"ipv4/ip_forward", "1"},
    {"ipv4/conf/all/rp_filter", "0"},
    {"ipv4/conf/default/rp_filter", "0"},
    {"ipv4/conf/all/send_redirects", "0"},
    {"ipv4/conf/default/send_redirects", "0"},
    {"ipv6/conf/all/disable_ipv6", "1"},
    {"ipv6/conf/default/disable_ipv6", "1"},
};

// Containers' root is an ordinary user of the host, so the kernel must let ordinary users listen on
// port 80 and ping here, as they may in a Fargate task.
const Settings kEndpointSettings = {
    {"ipv4/ip_unprivileged_port_start", "0"},
    {"ipv4/ping_group_range", "0 2147483647"},
    {"ipv6/conf/default/disable_ipv6", "1"},
};

Error network_failed(Error error) {
  if (error.code == "program-missing" || error.code == "not-permitted") return error;
  return {"network-failed", std::move(error.message), 500};
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// The addresses whose translation is in force, and so what the edge must route to the VPC.
std::set<Ipv4> public_addresses(const Ruleset& rules) {
  std::set<Ipv4> out;
  for (const auto& [address, target] : rules.maps.at("private_of").elements) {
    out.insert(*Ipv4::parse(address));
  }
  // A NAT gateway's address: answers come back to it.
  for (const auto& [source, address] : rules.maps.at("public_of").elements) {
    out.insert(*Ipv4::parse(address));
  }
  return out;
}

// Addresses that meant something before and mean something else, or nothing, now: what connection
// tracking remembers of them must not reach the next holder.
std::set<Ipv4> stale_addresses(const Ruleset& before, const Ruleset& after) {
  std::set<Ipv4> out;
  for (const char* name : {"private_of", "public_of"}) {
    const auto& now = after.maps.at(name).elements;
    for (const auto& [key, value] : before.maps.at(name).elements) {
      const auto found = now.find(key);
      // public_of is by address and destination.
      if (found == now.end() || found->second != value) {
        out.insert(*Ipv4::parse(key.substr(0, key.find(' '))));
      }
    }
  }
  const auto& bound = after.sets.at("bound").elements;
  for (const std::string& element : before.sets.at("bound").elements) {
    if (!bound.contains(element)) out.insert(*Ipv4::parse(element.substr(element.rfind(' ') + 1)));
  }
  return out;
}

}  // namespace

Network::Network(io::Loop& loop, Instance instance, NetworkOptions options)
    : loop_(loop), instance_(std::move(instance)), options_(options), edge_settled_(loop) {}
Network::~Network() = default;

bool Network::assignable(Ipv4 address) const {
  const Cidr& pool = options_.public_pool;
  return pool.contains(address) && address != pool.base && address.value < pool.last().value - 3;
}

task<Result<void>> Network::run_batch(std::string namespace_name, std::vector<std::string> lines) {
  if (lines.empty()) co_return Result<void>();
  std::vector<std::string> argv = {"ip"};
  if (!namespace_name.empty()) argv.insert(argv.end(), {"-n", namespace_name});
  argv.insert(argv.end(), {"-batch", "-"});
  auto done =
      co_await io::check_command(loop_, {.argv = std::move(argv), .input = join_lines(lines)});
  if (!done) co_return std::unexpected(network_failed(done.error()));
  co_return Result<void>();
}

task<Result<void>> Network::ensure_uplink(std::string vpc_id) {
  const std::string vpc = name_of(vpc_id), edge = name_of("edge"), device = uplink_device(vpc_id);
  LF_CO_TRY(in_vpc, look_into(vpc));
  LF_CO_TRY(in_edge, look_into(edge));
  std::vector<std::string> edge_lines, vpc_lines;
  const bool here = in_vpc.devices.contains("uplink"), there = in_edge.devices.contains(device);
  if (!here || !there) {
    // The other end of a namespace that is gone.
    if (there) edge_lines.push_back("link del " + device);
    if (here) vpc_lines.push_back("link del uplink");
    LF_CO_OK(co_await run_batch(vpc, std::exchange(vpc_lines, {})));
    edge_lines.push_back(
        fmt::format("link add {} type veth peer name uplink netns {}", device, vpc));
  }
  if (!there || !here || !in_edge.devices[device].up) {
    edge_lines.push_back(fmt::format("link set {} up", device));
  }
  LF_CO_OK(co_await run_batch(edge, std::move(edge_lines)));
  if (!here || !there || !in_vpc.devices["uplink"].up) vpc_lines.push_back("link set uplink up");
  if (!in_vpc.devices["lo"].up) vpc_lines.push_back("link set lo up");
  if (!in_vpc.devices["lo"].addresses.contains(*Ipv4::parse(kVpcEnd))) {
    vpc_lines.push_back(fmt::format("addr replace {}/32 dev lo", kVpcEnd));
  }
  const Route default_route{{}, "uplink", Ipv4::parse(kEdgeEnd)};
  if (!vpc_lines.empty() || !std::ranges::any_of(in_vpc.routes, [&](const Route& route) {
        return route.destination.length == 0 && route.device == "uplink";
      })) {
    vpc_lines.push_back(fmt::format("route replace default via {} dev uplink onlink", kEdgeEnd));
  }
  co_return co_await run_batch(vpc, std::move(vpc_lines));
}

namespace {

// The VPC's own side: service addresses and subnet gateways on loopback, interfaces and their
// routes.
std::vector<std::string> vpc_address_lines(const VpcSpec& wanted, NamespaceState& now) {
  std::set<Ipv4> addresses = {*Ipv4::parse(kVpcEnd)};
  for (const LocalService& service : local_services(wanted)) addresses.insert(service.address);
  for (const SubnetSpec& subnet : wanted.subnets) addresses.insert(subnet.gateway());
  std::vector<std::string> lines;
  for (const Ipv4 address : addresses) {
    if (now.devices["lo"].addresses.contains(address)) continue;
    lines.push_back(fmt::format("addr replace {}/32 dev lo", address.str()));
  }
  for (const Ipv4 address : now.devices["lo"].addresses) {
    if (addresses.contains(address) || address.value >> 24 == 127) continue;
    lines.push_back(fmt::format("addr del {}/32 dev lo", address.str()));
  }
  // An address of the VPC that nobody has must not go out by the default route.
  for (const Cidr& block : wanted.blocks) {
    if (std::ranges::any_of(now.routes, [&](const Route& r) { return r.destination == block; }))
      continue;
    lines.push_back(fmt::format("route replace blackhole {}", block.str()));
  }
  return lines;
}

struct InterfaceWork {
  const InterfaceSpec* spec;
  std::string device, namespace_name;
  EndpointAddress endpoint;
};

// Makes the interface's namespace; true when the pair of devices has to be made too. A pair of
// which only our end is left (cannot happen while both namespaces live) is made again.
Result<bool> prepare_interface(const InterfaceWork& work, NamespaceState& vpc,
                               std::vector<std::string>& lines) {
  LF_TRY(made, ensure_namespace(work.namespace_name));
  if (made) LF_OK(apply_settings(work.namespace_name, kEndpointSettings));
  LF_TRY(inside, look_into(work.namespace_name));
  const bool here = vpc.devices.contains(work.device), there = inside.devices.contains("eth0");
  if (here && there) return false;
  if (here) lines.push_back("link del " + work.device);
  if (there)
    return fail("network-failed", work.namespace_name + " has an eth0 of another VPC", 500);
  return true;
}

}  // namespace

task<Result<void>> Network::ensure_devices(const VpcSpec& wanted, Report& report) {
  const std::string vpc = name_of(wanted.id);
  std::vector<InterfaceWork> all;
  for (const InterfaceSpec& spec : wanted.interfaces) {
    const auto subnet = std::ranges::find(wanted.subnets, spec.subnet_id, &SubnetSpec::id);
    if (subnet == wanted.subnets.end()) {
      report.failed[spec.id] = {"network-failed", "no subnet " + spec.subnet_id, 500};
      continue;
    }
    all.push_back({&spec,
                   interface_device(spec.id),
                   name_of(spec.id),
                   {"eth0", spec.address, subnet->block.length, subnet->gateway()}});
  }

  // Everything up to the batch, then the batch, then the settings of the new devices: three steps
  // for any number.
  struct Prepared {
    std::vector<std::string> lines;
    std::vector<const InterfaceWork*> made;
    std::map<std::string, Error> failed;
  };
  auto prepared = co_await loop_.run_blocking([&all, &wanted, vpc]() -> Result<Prepared> {
    LF_TRY(now, look_into(vpc));
    Prepared out;
    out.lines = vpc_address_lines(wanted, now);
    for (const InterfaceWork& work : all) {
      const auto make = prepare_interface(work, now, out.lines);
      if (!make) {
        out.failed[work.spec->id] = make.error();
        continue;
      }
      if (*make) {
        out.lines.push_back(fmt::format("link add {} type veth peer name eth0 address {} netns {}",
                                        work.device, work.spec->mac, work.namespace_name));
        out.made.push_back(&work);
      }
      const Route route{{work.spec->address, 32}, work.device, {}};
      if (*make || !now.devices[work.device].up)
        out.lines.push_back(fmt::format("link set {} up", work.device));
      if (*make || !now.routes.contains(route)) {
        out.lines.push_back(
            fmt::format("route replace {}/32 dev {}", work.spec->address.str(), work.device));
      }
    }
    return out;
  });
  if (!prepared) co_return std::unexpected(network_failed(prepared.error()));
  LF_CO_OK(co_await run_batch(vpc, std::move(prepared->lines)));
  report.failed.merge(prepared->failed);

  const auto configured = co_await loop_.run_blocking([&all, &report, vpc]() -> Result<void> {
    for (const InterfaceWork& work : all) {
      if (report.failed.contains(work.spec->id)) continue;
      // The kernel would answer by proxy after a random delay of up to 0.8 s.
      const Settings settings = {
          {fmt::format("ipv4/conf/{}/proxy_arp", work.device), "1"},
          {fmt::format("ipv4/neigh/{}/proxy_delay", work.device), "0"},
      };
      Result<void> done = apply_settings(vpc, settings);
      if (done) done = configure_endpoint(work.namespace_name, work.endpoint);
      if (!done) report.failed[work.spec->id] = network_failed(done.error());
    }
    return {};
  });
  co_return configured;
}

task<Result<void>> Network::remove_devices(const VpcSpec& wanted) {
  const std::string vpc = name_of(wanted.id);
  std::set<std::string> devices = {"lo", "uplink"};
  for (const InterfaceSpec& spec : wanted.interfaces) devices.insert(interface_device(spec.id));
  LF_CO_TRY(now, look_into(vpc));
  std::vector<std::string> lines;
  for (const auto& [device, state] : now.devices) {
    if (device.starts_with('e') && !devices.contains(device)) lines.push_back("link del " + device);
  }
  co_return co_await run_batch(vpc, std::move(lines));
}

task<Result<void>> Network::run_nft(std::string vpc_id, std::string script) {
  auto done = co_await io::check_command(loop_, {.argv = {"nft", "-f", "-"},
                                                 .input = std::move(script),
                                                 .network_namespace = vpc_namespace(vpc_id)});
  if (done) co_return Result<void>();
  Error error = network_failed(done.error());
  error.message = "the kernel did not take the firewall of " + vpc_id + ": " + error.message;
  co_return std::unexpected(std::move(error));
}

task<Result<void>> Network::apply_firewall(const VpcSpec& wanted, const Ruleset& rules) {
  const auto applied = applied_.find(wanted.id);
  const std::string script =
      applied == applied_.end() ? full_script(rules) : change_script(applied->second, rules);
  if (script.empty()) co_return Result<void>();
  const std::string path = vpc_namespace(wanted.id);
  std::optional<Ruleset> before;
  if (applied != applied_.end()) before = std::move(applied->second);
  // Until nft has answered, the kernel's state is not known.
  applied_.erase(wanted.id);
  LF_CO_OK(co_await run_nft(wanted.id, script));
  if (before) {
    auto stale = stale_addresses(*before, rules);
    if (!stale.empty()) {
      auto forgotten = co_await loop_.run_blocking(
          [path, stale = std::move(stale)] { return forget_connections(path, stale); });
      if (!forgotten) co_return std::unexpected(network_failed(forgotten.error()));
    }
  }
  applied_[wanted.id] = rules;
  co_return Result<void>();
}

// Routes of the edge into this VPC. Addresses are given up before anything else is changed, and
// taken last.
task<Result<void>> Network::route_public_addresses(const VpcSpec& wanted, const Ruleset& rules,
                                                   bool only_removals) {
  const std::string device = uplink_device(wanted.id);
  LF_CO_TRY(edge, look_into(name_of("edge")));
  std::set<Ipv4> addresses = public_addresses(rules);
  std::vector<std::string> lines;
  for (const Route& route : edge.routes) {
    if (route.device != device || route.destination.length != 32) continue;
    if (addresses.erase(route.destination.base) > 0) continue;
    lines.push_back(fmt::format("route del {} dev {}", route.destination.str(), device));
  }
  if (!only_removals) {
    for (const Ipv4 address : addresses) {
      lines.push_back(
          fmt::format("route replace {}/32 via {} dev {} onlink", address.str(), kVpcEnd, device));
    }
  }
  co_return co_await run_batch(name_of("edge"), std::move(lines));
}

Network::Settled Network::settled_as(const VpcSpec& wanted, const Ruleset& rules) {
  Settled out;
  for (const Cidr& block : wanted.blocks) out.frame += block.str() + "\n";
  for (const SubnetSpec& subnet : wanted.subnets) {
    out.frame += fmt::format("{} {}\n", subnet.id, subnet.block.str());
  }
  for (const InterfaceSpec& interface : wanted.interfaces) {
    out.interfaces[interface.id] =
        fmt::format("{} {} {}", interface.subnet_id, interface.address.str(), interface.mac);
  }
  out.public_addresses = public_addresses(rules);
  out.spec = wanted;
  return out;
}

bool Network::still_there(const Settled& settled) const {
  return edge_ready_ && applied_.contains(settled.spec.id) &&
         namespace_exists(name_of(settled.spec.id));
}

task<std::optional<Result<void>>> Network::converge_rules(VpcSpec wanted) {
  const auto kept = settled_.find(wanted.id);
  if (kept == settled_.end() || !still_there(kept->second) ||
      kept->second.interfaces.size() != wanted.interfaces.size()) {
    co_return std::nullopt;
  }
  const auto chains = changed_chains(kept->second.spec, wanted);
  if (!chains) co_return std::nullopt;
  if (!chains->empty()) {
    // Until nft has answered, the kernel's state is not known.
    auto rules = applied_.extract(wanted.id);
    auto done = co_await run_nft(wanted.id, chains_script(*chains));
    if (!done) co_return std::move(done);
    for (const auto& [name, lines] : *chains) rules.mapped().chains[name] = lines;
    applied_.insert(std::move(rules));
  }
  const auto settled = settled_.find(wanted.id);
  if (settled != settled_.end()) settled->second.spec = std::move(wanted);
  co_return Result<void>();
}

task<Result<Network::Report>> Network::converge(VpcSpec wanted) {
  if (auto quick = co_await converge_rules(wanted)) {
    if (!*quick) co_return std::unexpected(quick->error());
    co_return Report{};
  }
  const Ruleset rules = compile_firewall(wanted);
  Settled now = settled_as(wanted, rules);
  const auto kept = settled_.find(wanted.id);
  std::optional<Settled> before;
  // What was made and has not changed is not looked at again, one by one: with a thousand
  // interfaces that would take longer than everything else.
  if (kept != settled_.end()) {
    if (kept->second.frame == now.frame && still_there(kept->second))
      before = std::move(kept->second);
    settled_.erase(kept);
  }
  auto report = before ? co_await converge_changes(wanted, rules, *before, now)
                       : co_await converge_all(wanted, rules);
  if (report) {
    for (const auto& [id, error] : report->failed) now.interfaces.erase(id);
    settled_[wanted.id] = std::move(now);
  }
  co_return report;
}

task<Result<Network::Report>> Network::converge_changes(const VpcSpec& wanted, const Ruleset& rules,
                                                        const Settled& before, const Settled& now) {
  Report report;
  VpcSpec fresh = wanted;
  std::erase_if(fresh.interfaces, [&](const InterfaceSpec& interface) {
    const auto found = before.interfaces.find(interface.id);
    return found != before.interfaces.end() && found->second == now.interfaces.at(interface.id);
  });
  const bool addresses = before.public_addresses != now.public_addresses;
  const bool gone = std::ranges::any_of(
      before.interfaces, [&](const auto& entry) { return !now.interfaces.contains(entry.first); });
  if (addresses) LF_CO_OK(co_await route_public_addresses(wanted, rules, true));
  if (!fresh.interfaces.empty()) LF_CO_OK(co_await ensure_devices(fresh, report));
  LF_CO_OK(co_await apply_firewall(wanted, rules));
  if (gone) LF_CO_OK(co_await remove_devices(wanted));
  if (addresses) LF_CO_OK(co_await route_public_addresses(wanted, rules, false));
  co_return report;
}

task<Result<Network::Report>> Network::converge_all(const VpcSpec& wanted, const Ruleset& rules) {
  LF_CO_OK(co_await ensure_edge());
  const std::string vpc = name_of(wanted.id);
  auto made = co_await loop_.run_blocking([vpc]() -> Result<bool> {
    LF_TRY(made_now, ensure_namespace(vpc));
    LF_OK(apply_settings(vpc, kRouterSettings));
    return made_now;
  });
  if (!made) co_return std::unexpected(network_failed(made.error()));
  if (*made) applied_.erase(wanted.id);
  auto uplink = co_await ensure_uplink(wanted.id);
  if (!uplink) {
    edge_ready_ = false;  // looked at again next time: somebody may have removed it
    co_return std::unexpected(network_failed(uplink.error()));
  }
  // A namespace without our table would forward everything: rules before devices. After a restart
  // this also replaces whatever table is there, in one transaction.
  if (!applied_.contains(wanted.id)) LF_CO_OK(co_await apply_firewall(wanted, rules));
  Report report;
  report.created = *made;
  LF_CO_OK(co_await route_public_addresses(wanted, rules, true));
  LF_CO_OK(co_await ensure_devices(wanted, report));
  LF_CO_OK(co_await apply_firewall(wanted, rules));
  LF_CO_OK(co_await remove_devices(wanted));
  LF_CO_OK(co_await route_public_addresses(wanted, rules, false));
  co_return report;
}

task<Result<FlowCounts>> Network::take_flows(std::string vpc_id, int generation) {
  const std::string path = vpc_namespace(vpc_id);
  if (!namespace_exists(name_of(vpc_id))) co_return FlowCounts{};
  auto counts =
      co_await loop_.run_blocking([path, generation] { return read_flows(path, generation); });
  if (!counts) co_return std::unexpected(network_failed(counts.error()));
  if (counts->flows.empty()) co_return std::move(*counts);
  std::string script;
  for (const FlowSet& set : flow_sets())
    script += fmt::format("flush set inet landfall {}\n", flow_set_name(set, generation));
  LF_CO_OK(co_await run_nft(vpc_id, std::move(script)));
  co_return std::move(*counts);
}

task<Result<void>> Network::remove_vpc(std::string vpc_id) {
  settled_.erase(vpc_id);
  applied_.erase(vpc_id);
  const std::string vpc = name_of(vpc_id), edge = name_of("edge"), device = uplink_device(vpc_id);
  if (namespace_exists(edge)) {
    LF_CO_TRY(state, look_into(edge));
    // Its routes go with it.
    if (state.devices.contains(device)) LF_CO_OK(co_await run_batch(edge, {"link del " + device}));
  }
  co_return co_await loop_.run_blocking([vpc] { return remove_namespace(vpc); });
}

task<Result<void>> Network::remove_interface_namespace(std::string id) {
  const std::string name = name_of(id);
  co_return co_await loop_.run_blocking([name] { return remove_namespace(name); });
}

Observed Network::observe() const {
  Observed out;
  const std::string prefix = name_of("");
  for (const std::string& name : list_namespaces(prefix)) {
    const std::string id = name.substr(prefix.size());
    if (id.starts_with("vpc-")) out.vpcs.insert(id);
    if (id.starts_with("eni-")) out.interfaces.insert(id);
  }
  return out;
}

}  // namespace landfall::host::network
