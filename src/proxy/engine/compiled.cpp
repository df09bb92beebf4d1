#include "proxy/engine/compiled.h"

#include <set>

#include "base/bytes.h"
#include "base/random.h"
#include "proxy/auth/gate_keeper.h"
#include "proxy/auth/oidc_gate.h"
#include "proxy/engine/cookies.h"
#include "proxy/engine/tls.h"
#include "proxy/log/access_log.h"
#include "proxy/log/connection_log.h"
#include "proxy/log/health_check_log.h"

namespace landfall::proxy {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("snapshot-invalid", std::move(message), 500);
}

std::string target_key(const TargetGroup& group, const Target& target) {
  return fmt::format("{}|{}|{}|{}", group.id, target.id, target.address, target.port);
}

}  // namespace

Registry::Registry(unsigned threads)
    : threads_(threads),
      log_writer_(std::make_unique<LogWriter>()),
      gate_keeper_(std::make_unique<GateKeeper>()) {}
Registry::~Registry() = default;

void Registry::stop_calls() { gate_keeper_->stop(); }

template <class Log, class... More>
std::shared_ptr<Log> Registry::open_log(const CompiledBalancer& balancer, const LogPlace& place,
                                        std::map<std::string, std::shared_ptr<Log>>& known,
                                        More... more) {
  if (place.folder.empty()) {
    known.erase(balancer.spec.id);
    return nullptr;
  }
  auto& log = known[balancer.spec.id];
  if (!log || log->place() != place) {
    log_writer_->recover(place.unfinished);
    log = std::make_shared<Log>(place, more..., threads_);
    log_writer_->add(log);
  }
  std::vector<std::string> addresses;
  for (const Node& node : balancer.spec.nodes) addresses.push_back(node.address);
  log->set_nodes(std::move(addresses));
  return log;
}

void Registry::open_logs(CompiledBalancer& balancer) {
  const LoadBalancer& spec = balancer.spec;
  balancer.access_log = open_log(balancer, spec.access_log, access_logs_, spec.name);
  balancer.connection_log = open_log(balancer, spec.connection_log, connection_logs_);
  balancer.health_check_log =
      open_log(balancer, spec.health_check_log, health_check_logs_, spec.name);
}

unsigned BalancerState::zone(const std::string& name) {
  auto found = std::find(zones.begin(), zones.end(), name);
  if (found == zones.end() && zones.size() == Tally::kZones) found = zones.end() - 1;
  if (found == zones.end()) found = zones.insert(zones.end(), name);
  return static_cast<unsigned>(found - zones.begin());
}

Result<CompiledAction> Registry::compile_action(CompiledConfig& config, CompiledBalancer& balancer,
                                                const Action& spec) {
  CompiledAction out{.spec = spec};
  if (spec.kind != ActionKind::forward) return out;
  for (const WeightedGroup& each : spec.groups) {
    const auto found = config.groups.find(each.group);
    if (found == config.groups.end())
      return invalid(fmt::format("a rule forwards to the unknown target group {}", each.group));
    CompiledGroup* group = found->second.get();
    group->used = true;
    auto& tally = balancer.state->groups[each.group];
    if (!tally) tally = std::make_shared<Tally>(threads_);
    if (std::none_of(balancer.groups.begin(), balancer.groups.end(),
                     [&](const auto& known) { return known.first == group; }))
      balancer.groups.emplace_back(group, tally);
    if (each.weight <= 0 && spec.groups.size() > 1) continue;
    out.total_weight += static_cast<unsigned>(std::max(each.weight, 1));
    out.choices.push_back({group, tally, out.total_weight});
  }
  return out;
}

const CompiledGroup* CompiledAction::find(std::string_view group_id) const {
  for (const Choice& choice : choices) {
    if (choice.group->spec.id == group_id) return choice.group;
  }
  return nullptr;
}

std::uint32_t Registry::slot_of(const std::string& listener_id) {
  return listener_slots_
      .try_emplace(listener_id, static_cast<std::uint32_t>(listener_slots_.size()))
      .first->second;
}

Result<void> Registry::add_groups(CompiledConfig& out) {
  std::map<std::string, std::shared_ptr<TargetState>> targets;
  std::map<std::string, std::shared_ptr<GroupState>> groups;
  for (const TargetGroup& spec : out.snapshot.target_groups) {
    auto group = std::make_unique<CompiledGroup>();
    group->spec = spec;
    group->digest = digest_of(spec.id);
    group->tls = spec.protocol == Protocol::https || spec.protocol == Protocol::tls;
    auto& state = groups_[spec.id];
    if (!state) state = std::make_shared<GroupState>(spec.id, threads_);
    group->state = state;
    groups[spec.id] = state;
    for (const Target& target : spec.targets) {
      const std::string key = target_key(spec, target);
      auto& known = targets_[key];
      if (!known) known = std::make_shared<TargetState>(spec.id, target, threads_);
      if (known->address_size == 0)
        return invalid(fmt::format("target {}: '{}' is not an address", target.id, target.address));
      targets[key] = known;
      if (target.deregistered_ms == 0) {
        group->registered.push_back(known);
      } else {
        group->draining.emplace_back(
            known, target.deregistered_ms + std::int64_t{1000} * spec.deregistration_delay_seconds);
      }
    }
    if (!out.groups.emplace(spec.id, std::move(group)).second)
      return invalid(fmt::format("two target groups have the id {}", spec.id));
  }
  targets_ = std::move(targets);
  groups_ = std::move(groups);
  return {};
}

Result<std::unique_ptr<CompiledListener>> Registry::compile_listener(CompiledConfig& out,
                                                                     CompiledBalancer& balancer,
                                                                     Listener spec) {
  auto compiled = std::make_unique<CompiledListener>();
  compiled->slot = slot_of(spec.id);
  compiled->balancer = &balancer;
  compiled->secure = spec.protocol == Protocol::https || spec.protocol == Protocol::tls;
  compiled->pass_through = spec.protocol == Protocol::tcp || spec.protocol == Protocol::tls;
  for (const Rule& rule : spec.rules) {
    CompiledRule made{.priority = rule.priority};
    for (const Condition& condition : rule.conditions) {
      LF_TRY(one, CompiledCondition::compile(condition));
      made.conditions.push_back(std::move(one));
    }
    LF_TRY(action, compile_action(out, balancer, rule.action));
    made.action = std::move(action);
    LF_TRY(transforms, CompiledTransforms::compile(rule.transforms));
    made.transforms = std::move(transforms);
    if (rule.action.oidc) {
      auto gate = gate_keeper_->oidc(balancer.spec.id, *rule.action.oidc);
      compiled->logins.push_back(gate);
      made.action.gate = std::move(gate);
    } else if (rule.action.jwt) {
      made.action.gate = gate_keeper_->jwt(balancer.spec.id, *rule.action.jwt);
    }
    compiled->rules.push_back(std::move(made));
  }
  if (compiled->secure) {
    LF_TRY(tls, TlsContexts::open(spec.tls, balancer.spec.http2 && !compiled->pass_through,
                                  spec.mutual_tls));
    compiled->tls = tls;
  }
  compiled->response_edits = ResponseEdits::compile(spec.response_headers);
  compiled->reserved_headers = ReservedHeaders::compile(balancer.spec, spec);
  compiled->spec = std::move(spec);
  return compiled;
}

Result<void> Registry::add_balancer(CompiledConfig& out, LoadBalancer& spec) {
  auto balancer = std::make_unique<CompiledBalancer>();
  auto& state = balancers_[spec.id];
  if (!state) state = std::make_shared<BalancerState>(threads_);
  balancer->state = state;
  std::vector<Listener> listeners = spec.listeners;
  balancer->spec = spec;
  balancer->spec.listeners.clear();
  open_logs(*balancer);
  for (const Node& node : spec.nodes) {
    auto& where = namespaces_[node.network_namespace];
    if (!where) {
      auto opened = NetworkNamespace::open(node.network_namespace);
      if (!opened) {
        for (const Listener& listener : listeners)
          out.problems.push_back({listener.id, opened.error().code, opened.error().message});
        namespaces_.erase(node.network_namespace);
        return {};
      }
      where = *opened;
    }
    balancer->namespaces.push_back(where);
    balancer->zones.push_back(state->zone(node.zone));
  }
  for (Listener& listener : listeners) {
    const std::string id = listener.id;
    auto compiled = compile_listener(out, *balancer, std::move(listener));
    if (!compiled) {
      if (compiled.error().code == "snapshot-invalid") return std::unexpected(compiled.error());
      out.problems.push_back({id, compiled.error().code, compiled.error().message});
      continue;
    }
    const std::size_t slot = (*compiled)->slot;
    if (out.listeners.size() <= slot) out.listeners.resize(slot + 1);
    if (out.listeners[slot]) return invalid(fmt::format("two listeners have the id {}", id));
    out.listeners[slot] = std::move(*compiled);
  }
  std::erase_if(state->groups, [&](const auto& known) {
    return std::none_of(balancer->groups.begin(), balancer->groups.end(),
                        [&](const auto& used) { return used.second == known.second; });
  });
  out.balancers.push_back(std::move(balancer));
  return {};
}

Result<std::shared_ptr<const CookieSeal>> Registry::cookie_seal(const std::string& key_text) {
  if (key_text.empty() && random_cookie_key_.empty()) {
    random_cookie_key_.resize(32);
    SystemRandom().fill({reinterpret_cast<unsigned char*>(random_cookie_key_.data()), 32});
  }
  auto key = key_text.empty() ? Result<std::string>(random_cookie_key_) : base64_decode(key_text);
  if (!key || key->size() != 32) return invalid("the cookie key is not 32 bytes in base64");
  std::array<unsigned char, 32> bytes;
  std::memcpy(bytes.data(), key->data(), bytes.size());
  return std::make_shared<const CookieSeal>(bytes);
}

Result<std::shared_ptr<const CompiledConfig>> Registry::compile(Snapshot snapshot) {
  auto out = std::make_shared<CompiledConfig>();
  out->snapshot = std::move(snapshot);
  LF_TRY(seal, cookie_seal(out->snapshot.cookie_key));
  out->seal = seal;
  LF_OK(gate_keeper_->use(out->snapshot.cookie_key.empty() ? base64_encode(random_cookie_key_)
                                                           : out->snapshot.cookie_key,
                          out->snapshot.identity_key, out->snapshot.trust_file));
  LF_OK(add_groups(*out));
  std::set<std::string> ids, namespaces;
  for (LoadBalancer& balancer : out->snapshot.load_balancers) {
    if (!ids.insert(balancer.id).second)
      return invalid(fmt::format("two load balancers have the id {}", balancer.id));
    for (const Node& node : balancer.nodes) namespaces.insert(node.network_namespace);
    LF_OK(add_balancer(*out, balancer));
  }
  std::erase_if(balancers_, [&](const auto& each) { return !ids.contains(each.first); });
  gate_keeper_->forget_unused();
  const auto is_gone = [&](const auto& each) { return !ids.contains(each.first); };
  std::erase_if(access_logs_, is_gone);
  std::erase_if(connection_logs_, is_gone);
  std::erase_if(health_check_logs_, is_gone);
  // A namespace of the same name may be another one next time.
  std::erase_if(namespaces_, [&](const auto& each) { return !namespaces.contains(each.first); });
  // Only now: what cannot be applied must not change what is routed to.
  for (const auto& [id, group] : out->groups)
    group->state->set_targets(group->spec, group->registered);
  return out;
}

}  // namespace landfall::proxy
