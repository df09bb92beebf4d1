#include "services/elbv2/controller/controller.h"

#include "base/log.h"
#include "services/elbv2/find.h"
#include "services/elbv2/targets.h"

namespace landfall::elbv2 {
namespace {

constexpr Millis kInterfaceTimeout = std::chrono::seconds(30);
constexpr Millis kInForceTimeout = std::chrono::seconds(2);
// The proxy lets go of a deleted load balancer's interfaces before they go.
constexpr Millis kReleaseTimeout = std::chrono::seconds(10);
constexpr int kMostRounds = 16;
constexpr std::string_view kProxy = "proxy";

std::vector<std::string> work_of(const store::KeyValue& current,
                                 const std::optional<store::KeyValue>&) {
  const auto key = parse_key(current.key);
  if (!key) return {};
  std::vector<std::string> out = {std::string(kProxy)};
  if (key->table == "load-balancers" || key->table == "removed" || key->table == "targets")
    out.push_back(current.key);
  return out;
}

}  // namespace

BalancerController::BalancerController(Elbv2& elbv2, FeederOptions options)
    : elbv2_(elbv2),
      feeder_(elbv2, options),
      meter_(elbv2, options.folder),
      controller_(
          elbv2.loop, elbv2.store, elbv2.clock, elbv2.random,
          {.name = "elbv2",
           .sources = {{std::string(kRoot), work_of},
                       {"/acm/",
                        [](const store::KeyValue&, const std::optional<store::KeyValue>&)
                            -> std::vector<std::string> { return {std::string(kProxy)}; }}}},
          [this](std::string key) { return reconcile(std::move(key)); }) {
  elbv2_.in_force = [this](store::Revision revision) { return wait_in_force(revision); };
}

void BalancerController::start() {
  feeder_.start();
  meter_.start();
  controller_.start();
}

task<void> BalancerController::stop() {
  co_await controller_.stop();
  co_await meter_.stop();
  co_await feeder_.stop();
  elbv2_.in_force = {};
}

task<void> BalancerController::wait_in_force(store::Revision revision) {
  feeder_.poke();
  (void)co_await feeder_.wait_for(revision, kInForceTimeout);
}

task<Result<reconcile::Requeue>> BalancerController::reconcile(std::string key) {
  if (key == kProxy) {
    feeder_.poke();
    co_return reconcile::Requeue{};
  }
  const auto parsed = parse_key(key);
  if (!parsed) co_return reconcile::Requeue{};
  if (parsed->table == "load-balancers") co_return co_await reconcile_balancer(*parsed);
  if (parsed->table == "removed") co_return co_await reconcile_removed(*parsed);
  co_return co_await reconcile_target(*parsed);
}

std::vector<ObservedInterface> BalancerController::observe(const LoadBalancerRecord& wanted) {
  std::vector<ObservedInterface> out;
  for (const ec2::Interface& interface :
       elbv2_.ec2.interfaces_of(wanted.scope(), wanted.owner() + "/")) {
    out.push_back({interface.id, interface.subnet_id, interface.private_address.str(),
                   interface.public_address ? interface.public_address->str() : "",
                   interface.security_group_ids});
  }
  return out;
}

task<Result<void>> BalancerController::change(LoadBalancerRecord wanted,
                                              std::function<void(LoadBalancerRecord&)> edit) {
  const auto guard = co_await elbv2_.writing.enter();
  auto done =
      co_await elbv2_.tables(wanted.scope())
          .load_balancers.update(wanted.name, [&](LoadBalancerRecord& record) -> Result<bool> {
            if (record.id != wanted.id) return false;
            const auto before = record::encode(record);
            edit(record);
            return before != record::encode(record);
          });
  // Deleted meanwhile: its removal is the next work.
  if (!done && done.error().code != "not-found") co_return std::unexpected(done.error());
  co_return Result<void>();
}

task<Result<reconcile::Requeue>> BalancerController::reconcile_balancer(Key key) {
  for (int round = 0; round < kMostRounds; ++round) {
    const auto row = elbv2_.tables(key.scope).load_balancers.get(key.id);
    if (!row) break;
    const LoadBalancerRecord& wanted = row->value;
    const auto steps = plan(wanted, observe(wanted));
    if (steps.empty()) break;
    for (const Step& step : steps) {
      log::debug("elbv2", "{}: {}", wanted.name, name(step.kind));
      const auto done = co_await apply(step, wanted);
      if (done) continue;
      const Error error = done.error();
      LF_CO_OK(co_await change(wanted, [&](LoadBalancerRecord& record) {
        record.state_reason = error.message;
        reconcile::set_condition(record.conditions,
                                 {"Provisioned",
                                  reconcile::Status::no,
                                  error.code,
                                  fmt::format("Cannot {}: {}", name(step.kind), error.message),
                                  step.subnet_id,
                                  {}},
                                 elbv2_.clock.now());
      }));
      co_return std::unexpected(error);
    }
  }
  co_return reconcile::Requeue{};
}

task<Result<void>> BalancerController::apply(Step step, LoadBalancerRecord wanted) {
  const Scope scope = wanted.scope();
  switch (step.kind) {
    case Step::Kind::make_interface:
      co_return co_await make_interface(std::move(wanted), step.subnet_id);
    case Step::Kind::set_security_groups:
      co_return co_await elbv2_.ec2.set_security_groups(scope, step.interface_id,
                                                        wanted.security_groups);
    case Step::Kind::set_public_address: {
      auto done = co_await elbv2_.ec2.set_public_address(scope, step.interface_id,
                                                         wanted.internet_facing());
      if (!done) co_return std::unexpected(done.error());
      co_return Result<void>();
    }
    case Step::Kind::publish:
      co_return co_await publish(std::move(wanted));
    case Step::Kind::remove_interface:
      feeder_.poke();
      (void)co_await feeder_.wait_for(elbv2_.store.revision(), kReleaseTimeout);
      co_return co_await elbv2_.ec2.delete_interface(scope, step.interface_id);
    case Step::Kind::remove_name:
      co_return co_await elbv2_.ec2.unregister_names(scope, wanted.owner());
    case Step::Kind::forget: {
      const auto guard = co_await elbv2_.writing.enter();
      auto done =
          co_await elbv2_.store.commit({{}, {elbv2_.tables(scope).removed.remove(wanted.id)}});
      if (!done) co_return std::unexpected(done.error());
      co_return Result<void>();
    }
  }
  co_return Result<void>();
}

task<Result<void>> BalancerController::make_interface(LoadBalancerRecord wanted,
                                                      std::string subnet_id) {
  const auto node = std::ranges::find(wanted.nodes, subnet_id, &NodeRecord::subnet_id);
  if (node == wanted.nodes.end()) co_return Result<void>();
  ec2::InterfaceRequest request;
  request.scope = wanted.scope();
  request.owner = wanted.owner() + "/" + subnet_id;
  request.subnet_id = subnet_id;
  request.security_group_ids = wanted.security_groups;
  request.description =
      fmt::format("ELB {}/{}/{}", wanted.application() ? "app" : "net", wanted.name, wanted.id);
  if (!wanted.application()) request.interface_type = "network_load_balancer";
  request.public_address = wanted.internet_facing();
  if (!wanted.application()) request.interface_type = "network_load_balancer";
  if (!node->wanted_address.empty()) request.private_address = Ipv4::parse(node->wanted_address);
  auto made = co_await elbv2_.ec2.allocate_interface(std::move(request));
  if (!made) co_return std::unexpected(made.error());
  auto ready = co_await elbv2_.ec2.wait_ready(wanted.scope(), made->id, kInterfaceTimeout);
  if (!ready) co_return std::unexpected(ready.error());
  co_return Result<void>();
}

task<Result<void>> BalancerController::publish(LoadBalancerRecord wanted) {
  const Scope scope = wanted.scope();
  const auto interfaces = observe(wanted);
  for (NodeRecord& node : wanted.nodes) {
    const auto found = std::ranges::find(interfaces, node.subnet_id, &ObservedInterface::subnet_id);
    if (found == interfaces.end()) continue;
    node.interface_id = found->id;
    node.private_address = found->private_address;
    node.public_address = found->public_address;
  }
  LF_CO_OK(co_await change(wanted, [&](LoadBalancerRecord& record) {
    for (NodeRecord& node : record.nodes) {
      const auto made = std::ranges::find(wanted.nodes, node.subnet_id, &NodeRecord::subnet_id);
      if (made != wanted.nodes.end()) node = *made;
    }
  }));
  // Clients find it when it listens.
  feeder_.poke();
  (void)co_await feeder_.wait_for(elbv2_.store.revision(), kReleaseTimeout);
  // An internet-facing one is known by its public addresses only, also inside its own VPC.
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
  ec2::DnsName dns{scope, wanted.dns_name, wanted.owner(), wanted.vpc_id, {}, {}};
  for (const NodeRecord& node : wanted.nodes) {
    const bool open = wanted.internet_facing();
    if (const auto address = Ipv4::parse(open ? node.public_address : node.private_address))
      (open ? dns.public_addresses : dns.private_addresses).push_back(*address);
  }
  LF_CO_OK(co_await elbv2_.ec2.register_name(std::move(dns)));
  co_return co_await change(wanted, [&](LoadBalancerRecord& record) {
    if (record.state != "active")
      log::info("elbv2", "{} answers as {}", record.name, record.dns_name);
    record.state = "active";
    record.state_reason.clear();
    reconcile::set_condition(record.conditions,
                             {"Provisioned", reconcile::Status::yes, "Provisioned", "", "", {}},
                             elbv2_.clock.now());
  });
}

task<Result<reconcile::Requeue>> BalancerController::reconcile_removed(Key key) {
  const auto row = elbv2_.tables(key.scope).removed.get(key.id);
  if (!row) co_return reconcile::Requeue{};
  for (const Step& step : plan_removal(observe(row->value)))
    LF_CO_OK(co_await apply(step, row->value));
  co_return reconcile::Requeue{};
}

// A target that drains is gone when its group's delay has passed, or when nobody uses the group.
task<Result<reconcile::Requeue>> BalancerController::reconcile_target(Key key) {
  const Tables tables = elbv2_.tables(key.scope);
  const auto guard = co_await elbv2_.writing.enter();
  const auto row = tables.targets.get(key.id);
  if (!row || !row->value.deregistered_at) co_return reconcile::Requeue{};
  const std::string group_id = key.id.substr(0, key.id.find('/'));
  for (const auto& group : tables.target_groups.list()) {
    if (group.value.id != group_id || !balancer_of(tables, group.value)) continue;
    const auto left = std::chrono::duration_cast<Millis>(drained_at(group.value, row->value) -
                                                         elbv2_.clock.now());
    if (left > Millis(0)) co_return reconcile::Requeue{left};
  }
  auto done = co_await elbv2_.store.commit({{}, {tables.targets.remove(row->id)}});
  if (!done) co_return std::unexpected(done.error());
  co_return reconcile::Requeue{};
}

}  // namespace landfall::elbv2
