// The edge: the namespace that stands for the internet, its link to the host, and the host's routes
// to the pool.
#include "host/network/namespaces.h"
#include "host/network/network.h"

namespace landfall::host::network {
namespace {

constexpr int kGuardMetric = 4000;  // behind every route that works

// A guard whose instance is gone: made by us, and nothing leads there any more. (An instance that
// lives holds a claim, see host/claims; here it has been asked already.)
bool is_stale_guard(const NamespaceState& host, const Route& route) {
  return route.device == "*" && route.metric == kGuardMetric &&
         std::ranges::none_of(host.routes, [&](const Route& other) {
           return other.destination == route.destination && other.device.starts_with("lf-");
         });
}

// Routes of the host into the pool that are not ours would take its packets elsewhere. Gives the
// left-over guards that have to go.
Result<std::vector<Cidr>> check_pool_is_free(const NamespaceState& host, const Cidr& pool,
                                             const std::string& our_device) {
  std::vector<Cidr> stale;
  std::set<Cidr> ours;
  for (const Route& route : host.routes)
    if (route.device == our_device) ours.insert(route.destination);
  for (const Route& route : host.routes) {
    if (route.destination.length == 0 || route.device == our_device) continue;
    const bool guard = route.device == "*" && route.metric == kGuardMetric &&
                       (route.destination == pool || ours.contains(route.destination));
    if (guard || !pool.overlaps(route.destination)) continue;
    // A wider route (a VPN's 198.0.0.0/8) stays behind our longer one.
    if (route.destination.length < pool.length) continue;
    if (is_stale_guard(host, route)) {
      stale.push_back(route.destination);
      continue;
    }
    return fail("pool-in-use",
                fmt::format("the host has a route to {}{}, inside the public pool {}; choose "
                            "another with --public-pool",
                            route.destination.str(),
                            route.device == "*" ? "" : " by " + route.device, pool.str()),
                500);
  }
  return stale;
}

}  // namespace

task<Result<void>> Network::ensure_edge() {
  // VPCs converge side by side; one of them makes the edge and the others wait.
  while (edge_busy_) co_await edge_settled_.wait();
  if (edge_ready_ && namespace_exists(name_of("edge"))) co_return Result<void>();
  edge_busy_ = true;
  struct Settle {
    Network& network;
    ~Settle() {
      network.edge_busy_ = false;
      network.edge_settled_.notify_all();
    }
  } settle{*this};
  auto made = co_await make_edge();
  edge_ready_ = made.has_value();
  co_return made;
}

Result<void> Network::check_pool() const {
  LF_TRY(host, look_into(""));
  LF_OK(check_pool_is_free(host, options_.public_pool, host_device()));
  return {};
}

task<Result<void>> Network::make_edge() {
  const std::string edge = name_of("edge"), device = host_device();
  const Cidr pool = options_.public_pool;
  const Ipv4 host_end = host_address(), edge_end = host_end + 1;
  if (pool.length > 28) {
    co_return fail("pool-too-small",
                   fmt::format("the public pool {} holds too few addresses", pool.str()), 500);
  }
  LF_CO_TRY(host, look_into(""));
  LF_CO_TRY(stale, check_pool_is_free(host, pool, device));

  // First of all, so that no packet for a public address ever leaves by the host's default route.
  std::vector<std::string> guards = {
      fmt::format("route replace unreachable {} metric {}", pool.str(), kGuardMetric)};
  for (const Cidr& block : stale)
    guards.push_back(fmt::format("route del unreachable {} metric {}", block.str(), kGuardMetric));
  LF_CO_OK(co_await run_batch("", std::move(guards)));
  const auto made = co_await loop_.run_blocking([edge]() -> Result<void> {
    LF_OK(ensure_namespace(edge));
    return apply_settings(edge, {{"ipv4/ip_forward", "1"},
                                 {"ipv4/conf/all/rp_filter", "0"},
                                 {"ipv4/conf/default/rp_filter", "0"},
                                 {"ipv4/conf/all/send_redirects", "0"},
                                 {"ipv4/conf/default/send_redirects", "0"},
                                 {"ipv6/conf/all/disable_ipv6", "1"},
                                 {"ipv6/conf/default/disable_ipv6", "1"}});
  });
  LF_CO_OK(made);

  LF_CO_TRY(inside, look_into(edge));
  std::vector<std::string> lines;
  const bool here = host.devices.contains(device), there = inside.devices.contains("host");
  if (!here || !there) {
    if (here) lines.push_back("link del " + device);
    lines.push_back(fmt::format("link add {} type veth peer name host netns {}", device, edge));
  }
  lines.push_back(fmt::format("addr replace {}/30 dev {}", host_end.str(), device));
  lines.push_back(fmt::format("link set {} up", device));
  if (there && !here) LF_CO_OK(co_await run_batch(edge, {"link del host"}));
  LF_CO_OK(co_await run_batch("", std::move(lines)));
  LF_CO_OK(co_await run_batch(
      edge, {"link set lo up", "addr replace 169.254.200.1/32 dev lo",
             fmt::format("addr replace {}/30 dev host", edge_end.str()), "link set host up",
             // A public address that nobody holds does not answer.
             fmt::format("route replace blackhole {}", pool.str())}));
  co_return co_await run_batch(
      "", {fmt::format("route replace {} via {} dev {}", pool.str(), edge_end.str(), device)});
}

task<Result<void>> Network::remove_all() {
  const Observed observed = observe();
  edge_ready_ = false;
  settled_.clear();
  applied_.clear();
  const std::string edge = name_of("edge"), device = host_device();
  LF_CO_TRY(host, look_into(""));
  // The link to the host first: nothing comes in any more.
  std::vector<std::string> lines;
  if (host.devices.contains(device)) lines.push_back("link del " + device);
  // What leads to our device, whatever pool we are told of; and where nothing does (the namespaces
  // are gone, and our device with them), the pool's guard is all that is left.
  std::set<Cidr> pools;
  for (const Route& route : host.routes) {
    if (route.device == device) pools.insert(route.destination);
    if (route.destination == options_.public_pool && is_stale_guard(host, route))
      pools.insert(route.destination);
  }
  for (const Cidr& pool : pools) {
    if (!host.routes.contains({pool, "*", {}, kGuardMetric})) continue;
    lines.push_back(fmt::format("route del unreachable {} metric {}", pool.str(), kGuardMetric));
  }
  LF_CO_OK(co_await run_batch("", std::move(lines)));
  // Then names only: a namespace without one and without processes goes, and its devices with it.
  // The kernel does that for all of them at once; one `ip link del` each would take its time.
  co_return co_await loop_.run_blocking([this, &observed, edge]() -> Result<void> {
    // Interfaces first: a VPC that is gone no longer holds back what its neighbours send.
    for (const std::string& id : observed.interfaces) LF_OK(remove_namespace(name_of(id)));
    for (const std::string& id : observed.vpcs) LF_OK(remove_namespace(name_of(id)));
    return remove_namespace(edge);
  });
}

}  // namespace landfall::host::network
