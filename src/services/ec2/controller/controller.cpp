#include "services/ec2/controller/controller.h"

#include "base/log.h"
#include "host/hosts_file/hosts_file.h"
#include "services/ec2/endpoint_services.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

constexpr std::string_view kListWork = "prefix-lists/";

std::string vpc_of(const std::string& value) {
  boost::system::error_code error;
  const json::value parsed = json::parse(value, error);
  if (error || !parsed.is_object()) return {};
  const json::value* id = parsed.get_object().if_contains("vpc_id");
  return id && id->is_string() ? std::string(id->get_string()) : std::string();
}

// Whatever of a VPC changes, the VPC is looked at. A record that moves from one VPC to another (an
// internet gateway) concerns both.
std::vector<std::string> work_of(const store::KeyValue& current,
                                 const std::optional<store::KeyValue>& previous) {
  const auto key = parse_key(current.key);
  if (!key) return {};
  if (key->scope.account == "-") {
    if (key->table == "dns-names") return {"names"};
    return {};
  }
  if (key->table == "prefix-lists")
    return {fmt::format("{}{}/{}", kListWork, key->scope.account, key->scope.region)};
  std::set<std::string> ids;
  if (key->table == "vpcs") {
    ids.insert(key->id);
  } else {
    ids.insert(vpc_of(current.value));
    if (previous) ids.insert(vpc_of(previous->value));
  }
  std::vector<std::string> work;
  for (const std::string& id : ids) {
    if (id.starts_with("vpc-")) {
      work.push_back(fmt::format("{}/{}/{}", key->scope.account, key->scope.region, id));
    }
  }
  return work;
}

std::vector<Ipv4> addresses_of(const std::vector<std::string>& texts) {
  std::vector<Ipv4> out;
  for (const std::string& text : texts) {
    if (const auto address = Ipv4::parse(text)) out.push_back(*address);
  }
  return out;
}

host::dns::View view_of(const VpcRecords& records, const Scope& scope) {
  host::dns::View view;
  view.vpc_id = records.vpc.id;
  view.blocks = {*Cidr::parse(records.vpc.cidr)};
  view.internal_domain = internal_domain(scope.region);
  view.api = *Ipv4::parse(kApiAddress);
  view.hostnames = records.vpc.host_names();
  const auto services = endpoint_services(scope.region);
  for (const EndpointRecord& endpoint : records.endpoints) {
    const EndpointService* service = find_service(services, endpoint.service);
    if (!endpoint.private_dns || !service) continue;
    for (const std::string& name : service->private_names) {
      for (const EndpointSubnetRecord& place : endpoint.subnets)
        view.own_names[name].push_back(*Ipv4::parse(place.address));
    }
  }
  return view;
}

// "ec2-198-18-0-5...": the private address inside of the VPC, the public one elsewhere.
host::dns::NameTable public_names(const VpcRecords& records, const Scope& scope) {
  host::dns::NameTable out;
  if (!records.vpc.host_names()) return out;
  for (const NetworkInterfaceRecord& interface : records.interfaces) {
    const auto address = Ipv4::parse(interface.public_address);
    if (!address) continue;
    out[public_dns_name(*address, scope.region)] = {
        records.vpc.id, {*Ipv4::parse(interface.address)}, {*address}};
  }
  return out;
}

bool has_interfaces(const Tables& tables, std::string_view vpc_id) {
  return std::ranges::any_of(tables.interfaces.list(),
                             [&](const auto& row) { return row.value.vpc_id == vpc_id; });
}

}  // namespace

VpcController::VpcController(Ec2& ec2, host::network::Network& network, host::dns::Resolver& dns,
                             VpcControllerOptions options)
    : ec2_(ec2),
      network_(network),
      dns_(dns),
      options_(std::move(options)),
      progress_(ec2.loop),
      flows_(ec2),
      tick_(ec2.loop),
      tasks_(ec2.loop),
      controller_(ec2.loop, ec2.store, ec2.clock, ec2.random,
                  {.name = "ec2-networks", .sources = {{"/ec2/", work_of}}},
                  [this](std::string key) { return reconcile(std::move(key)); }) {
  // From here on and not from start(): the API may already listen while the rest still starts.
  ec2_.in_force = [this](Scope scope, std::string vpc_id) {
    return wait_in_force(std::move(scope), std::move(vpc_id), Millis(2000));
  };
}

VpcController::~VpcController() = default;

void VpcController::start() {
  remember_public_names();
  controller_.start();
  controller_.enqueue("sweep");
  controller_.enqueue("names");
  tasks_.spawn("ec2 flow windows", end_windows());
  flows_.start();
}

task<void> VpcController::stop() {
  ec2_.in_force = {};
  co_await tasks_.stop();
  co_await controller_.stop();
  co_await flows_.stop();
  for (auto& [id, vpc] : vpcs_) stop_listeners(id, vpc);
  co_await dns_.stop();
}

void VpcController::add_listener(VpcListener listener) {
  listeners_.push_back(std::move(listener));
  for (auto& [id, vpc] : vpcs_) {
    if (!vpc.open) continue;
    const auto started = start_listeners(id, vpc);
    if (!started) log::error("ec2", "in {}: {}", id, started.error().message);
  }
}

task<Result<reconcile::Requeue>> VpcController::reconcile(std::string key) {
  Result<void> done;
  if (key == "names") {
    done = co_await publish_names();
  } else if (key == "sweep") {
    done = co_await sweep();
  } else if (key.starts_with(kListWork)) {
    const std::string scope = key.substr(kListWork.size()) + "/";
    const auto slash = scope.find('/');
    const Tables tables =
        ec2_.tables({scope.substr(0, slash), scope.substr(slash + 1, scope.size() - slash - 2)});
    for (const auto& row : tables.vpcs.list()) controller_.enqueue(scope + row.id);
  } else {
    done = co_await converge(std::move(key));
  }
  if (!done) co_return std::unexpected(done.error());
  co_return reconcile::Requeue{};
}

task<Result<void>> VpcController::converge(std::string key) {
  const auto first = key.find('/'), last = key.rfind('/');
  const Scope scope{key.substr(0, first), key.substr(first + 1, last - first - 1)};
  const std::string id = key.substr(last + 1);
  Vpc& vpc = vpcs_[id];
  vpc.key = key;
  const store::Revision seen = ec2_.store.revision();
  const auto records = read_vpc(ec2_.tables(scope), id);
  if (!records) {
    LF_CO_OK(co_await remove(id, vpc));
    if (!vpc.public_names.empty()) controller_.enqueue("names");
    vpcs_.erase(id);
    progress_.notify_all();
    co_return Result<void>();
  }
  if (records->interfaces.empty() && !vpc.open && !network_.observe().vpcs.contains(id)) {
    co_return Result<void>();
  }
  for (const NetworkInterfaceRecord& interface : records->interfaces) vpc.made.insert(interface.id);
  host::network::VpcSpec wanted_network = network_of(*records);
  const bool counting = !wanted_network.flows.addresses.empty();
  const int counted_in = vpc.generation;
  if (!vpc.open && counting) {
    // The sets that an earlier process left would go with its rules.
    for (const int generation : {0, 1}) co_await take_flows(*records, scope, vpc, generation);
  }
  // A window ends: from the next packet on, the other set counts.
  const bool window_ends = vpc.counting && (std::exchange(vpc.window_ends, false) || !counting);
  if (window_ends) vpc.generation = 1 - vpc.generation;
  if (window_ends && !counting) co_await take_flows(*records, scope, vpc, counted_in);
  wanted_network.flows.generation = vpc.generation;
  auto report = co_await network_.converge(std::move(wanted_network));
  if (report && window_ends && counting) {
    co_await take_flows(*records, scope, vpc, counted_in);
  } else if (report && counting && !vpc.counting) {
    vpc.window_start = ec2_.clock.now();
  }
  if (report) vpc.counting = counting;
  vpc.counted = records->interfaces;
  Result<void> done;
  if (!report) {
    done = std::unexpected(report.error());
  } else {
    const bool reopen = report->created || !vpc.open;
    vpc.open = true;
    vpc.failed = report->failed;
    done = co_await serve_inside(*records, scope, vpc, reopen);
  }
  if (auto named = public_names(*records, scope); named != vpc.public_names) {
    vpc.public_names = std::move(named);
    controller_.enqueue("names");
  }
  vpc.error = done ? std::nullopt : std::optional(done.error());
  if (done) {
    vpc.seen = seen;
    vpc.ready.clear();
    std::set<std::string> wanted;
    for (const NetworkInterfaceRecord& interface : records->interfaces) {
      wanted.insert(interface.id);
      if (!vpc.failed.contains(interface.id)) vpc.ready.insert(interface.id);
    }
    for (const std::string& gone : std::set(vpc.made)) {
      if (wanted.contains(gone)) continue;
      if (const auto served = vpc.endpoints.find(gone); served != vpc.endpoints.end()) {
        if (endpoint_listener_.stop)
          endpoint_listener_.stop(served->second, network_.interface_namespace(gone));
        vpc.endpoints.erase(served);
      }
      LF_CO_OK(co_await network_.remove_interface_namespace(gone));
      vpc.made.erase(gone);
    }
    if (!vpc.failed.empty()) done = std::unexpected(vpc.failed.begin()->second);
    if (done) done = serve_endpoints(*records, vpc);
  }
  progress_.notify_all();
  co_return done;
}

// Hands on what a generation has counted since the window began.
task<void> VpcController::take_flows(const VpcRecords& records, Scope scope, Vpc& vpc,
                                     int generation) {
  auto counts = co_await network_.take_flows(records.vpc.id, generation);
  if (!counts) {
    log::warning("ec2", "the flows of {} cannot be read: {}", records.vpc.id,
                 counts.error().message);
    counts = host::network::FlowCounts{{}, false};
  }
  if (vpc.window_start == TimePoint{}) vpc.window_start = ec2_.clock.now();
  FlowWindow window{std::move(scope), records, vpc.window_start, ec2_.clock.now(),
                    std::move(*counts)};
  // Of those that went in between, the last packets are told too.
  for (const NetworkInterfaceRecord& gone : vpc.counted) {
    if (std::ranges::find(records.interfaces, gone.id, &NetworkInterfaceRecord::id) ==
        records.interfaces.end())
      window.records.interfaces.push_back(gone);
  }
  vpc.window_start = window.end;
  flows_.add(std::move(window));
}

task<void> VpcController::end_windows() {
  while (true) {
    (void)co_await tick_.wait_for(options_.flow_window);
    for (auto& [id, vpc] : vpcs_) {
      if (!vpc.counting) continue;
      vpc.window_ends = true;
      controller_.enqueue(vpc.key);
    }
  }
}

task<Result<void>> VpcController::remove(std::string vpc_id, Vpc& vpc) {
  stop_listeners(vpc_id, vpc);
  co_await dns_.close(vpc_id);
  LF_CO_OK(co_await network_.remove_vpc(vpc_id));
  for (const std::string& id : vpc.made) LF_CO_OK(co_await network_.remove_interface_namespace(id));
  co_return Result<void>();
}

task<Result<void>> VpcController::serve_inside(const VpcRecords& records, const Scope& scope,
                                               Vpc& vpc, bool reopen) {
  const std::string& id = records.vpc.id;
  if (reopen) stop_listeners(id, vpc);
  if (records.vpc.dns_support) {
    const Ipv4 in_block = Cidr::parse(records.vpc.cidr)->base + 2;
    LF_CO_OK(co_await dns_.open(view_of(records, scope), network_.vpc_namespace(id),
                                {in_block, *Ipv4::parse(kDnsAddress)}, reopen));
  } else {
    co_await dns_.close(id);
  }
  co_return start_listeners(id, vpc);
}

Result<void> VpcController::start_listeners(const std::string& vpc_id, Vpc& vpc) {
  for (const VpcListener& listener : listeners_) {
    if (vpc.started.contains(listener.name)) continue;
    if (auto started = listener.start(vpc_id, network_.vpc_namespace(vpc_id)); !started) {
      Error error = started.error();
      error.message = fmt::format("{} in {}: {}", listener.name, vpc_id, error.message);
      return std::unexpected(std::move(error));
    }
    vpc.started.insert(listener.name);
  }
  return {};
}

// The API on the interfaces of the VPC's endpoints.
Result<void> VpcController::serve_endpoints(const VpcRecords& records, Vpc& vpc) {
  std::map<std::string, std::string> wanted;  // interface -> address
  for (const EndpointRecord& endpoint : records.endpoints) {
    for (const EndpointSubnetRecord& place : endpoint.subnets)
      if (vpc.ready.contains(place.interface_id)) wanted[place.interface_id] = place.address;
  }
  for (const auto& [id, address] : std::map(vpc.endpoints)) {
    if (wanted.contains(id)) continue;
    if (endpoint_listener_.stop) endpoint_listener_.stop(address, network_.interface_namespace(id));
    vpc.endpoints.erase(id);
  }
  for (const auto& [id, address] : wanted) {
    if (vpc.endpoints.contains(id) || !endpoint_listener_.start) continue;
    LF_OK(endpoint_listener_.start(address, network_.interface_namespace(id)));
    vpc.endpoints[id] = address;
  }
  return {};
}

void VpcController::set_endpoint_listener(EndpointListener listener) {
  endpoint_listener_ = std::move(listener);
}

void VpcController::stop_listeners(const std::string& vpc_id, Vpc& vpc) {
  for (const VpcListener& listener : listeners_) {
    if (vpc.started.erase(listener.name) > 0) listener.stop(vpc_id, network_.vpc_namespace(vpc_id));
  }
}

task<void> VpcController::set_zones(host::dns::ZoneTable zones) {
  zones_ = zones;
  controller_.enqueue("names");
  co_await dns_.set_zones(std::move(zones));
}

// DNS may have answered all along, so its first table must not lack the names of VPCs that have not
// been looked at yet.
void VpcController::remember_public_names() {
  for (const store::KeyValue& row : ec2_.store.range("/ec2/")) {
    const auto key = parse_key(row.key);
    if (!key || key->table != "vpcs") continue;
    if (const auto records = read_vpc(ec2_.tables(key->scope), std::string(key->id)))
      vpcs_[std::string(key->id)].public_names = public_names(*records, key->scope);
  }
}

task<Result<void>> VpcController::publish_names() {
  host::dns::NameTable table;
  host::HostNames outside;
  for (const auto& [id, vpc] : vpcs_) {
    for (const auto& [name, meaning] : vpc.public_names) {
      table[name] = meaning;
      outside[name] = meaning.outside.front();
    }
  }
  for (const auto& row : ec2_.tables({}).dns_names.list()) {
    host::dns::Name& name = table[row.id];
    name.vpc_id = row.value.vpc_id;
    name.inside = addresses_of(row.value.private_addresses);
    name.outside = addresses_of(row.value.public_addresses);
    if (name.inside.empty()) name.inside = name.outside;
    const auto& seen = name.outside.empty() ? name.inside : name.outside;
    if (!seen.empty()) outside[row.id] = seen.front();
  }
  // A name of a hosted zone may stand for one of those above, so it changes with them.
  for (const auto& [name, address] : host::dns::outside_addresses(zones_, table))
    outside.emplace(name, address);
  co_await dns_.set_names(std::move(table));
  if (options_.hosts_file.empty()) co_return Result<void>();
  co_return co_await ec2_.loop.run_blocking(
      [path = options_.hosts_file, tag = network_.instance().tag, names = std::move(outside)] {
        return host::update_hosts_file(path, tag, names);
      });
}

task<Result<void>> VpcController::sweep() {
  // First what is, then what should be: an interface made in between is in both.
  const host::network::Observed observed = network_.observe();
  std::set<std::string> wanted;
  for (const store::KeyValue& row : ec2_.store.range("/ec2/")) {
    const auto key = parse_key(row.key);
    if (key && (key->table == "vpcs" || key->table == "interfaces")) wanted.insert(key->id);
  }
  for (const std::string& id : observed.interfaces) {
    if (!wanted.contains(id)) LF_CO_OK(co_await network_.remove_interface_namespace(id));
  }
  // Before the namespaces that it listens in go.
  co_await dns_.keep_only(wanted);
  for (const std::string& id : observed.vpcs) {
    if (!wanted.contains(id)) LF_CO_OK(co_await network_.remove_vpc(id));
  }
  co_return Result<void>();
}

task<void> VpcController::wait_in_force(Scope scope, std::string vpc_id, Millis timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const store::Revision wanted = ec2_.store.revision();
  for (;;) {
    const auto vpc = vpcs_.find(vpc_id);
    const bool open = vpc != vpcs_.end() && vpc->second.open;
    if (open && vpc->second.seen >= wanted) co_return;
    if (!open && !has_interfaces(ec2_.tables(scope), vpc_id)) co_return;
    const auto left =
        std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
    if (left <= Millis(0) || !co_await progress_.wait_for(left)) co_return;
  }
}

task<Result<void>> VpcController::wait_ready(Scope scope, std::string id, Millis timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const Tables tables = ec2_.tables(scope);
  for (;;) {
    const auto row = tables.interfaces.get(id);
    if (!row)
      co_return fail("not-found", fmt::format("the network interface {} does not exist", id), 404);
    const auto vpc = vpcs_.find(row->value.vpc_id);
    if (vpc != vpcs_.end()) {
      if (vpc->second.ready.contains(id) && row->revision <= vpc->second.seen) {
        co_return Result<void>();
      }
    }
    const auto left =
        std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
    if (left > Millis(0) && co_await progress_.wait_for(left)) continue;
    // The reason says more than "timeout".
    if (vpc != vpcs_.end()) {
      const auto failed = vpc->second.failed.find(id);
      if (failed != vpc->second.failed.end()) co_return std::unexpected(failed->second);
      if (vpc->second.error) co_return std::unexpected(*vpc->second.error);
    }
    co_return fail("timeout", fmt::format("{} was not ready within {} ms", id, timeout.count()),
                   500);
  }
}

}  // namespace landfall::ec2
