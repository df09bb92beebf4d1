#include "proxy/engine/choice.h"

#include "proxy/engine/cookies.h"

namespace landfall::proxy {
namespace {

// What the cookies themselves say of their age; the ticket inside has its own.
constexpr std::int64_t kCookieLifeSeconds = 7 * 86400;

// The ticket in cookie `name`, or in the one for cross-origin requests, unless it is too old.
std::optional<std::uint64_t> sticky_subject(Exchange& exchange, const http1::RequestHead& head,
                                            std::string_view name, int seconds) {
  const CookieSeal& seal = *exchange.held->config->seal;
  auto cookie = find_cookie(head, name);
  if (!cookie) cookie = find_cookie(head, std::string(name) + "CORS");
  if (!cookie) return {};
  const auto ticket = seal.open(*cookie);
  if (!ticket || exchange.worker.unix_seconds() - ticket->issued_seconds > seconds) return {};
  return ticket->subject;
}

std::string sealed(Exchange& exchange, std::uint64_t subject) {
  return exchange.held->config->seal->seal({subject, exchange.worker.unix_seconds()});
}

using Weighted = CompiledAction::Choice;

const Weighted* by_weight(Worker& worker, const CompiledAction& action) {
  if (action.choices.size() == 1) return action.choices.data();
  if (action.total_weight == 0) return nullptr;
  const auto point = static_cast<unsigned>(worker.random() % action.total_weight);
  for (const Weighted& choice : action.choices) {
    if (point < choice.upto) return &choice;
  }
  return nullptr;
}

const Weighted* choose_group(Exchange& exchange, const http1::RequestHead& head,
                             std::string& cookies) {
  const CompiledAction& action = exchange.rule->action;
  const int seconds = action.spec.group_stickiness_seconds;
  if (seconds == 0) return by_weight(exchange.worker, action);
  const Weighted* chosen = nullptr;
  if (const auto subject = sticky_subject(exchange, head, "AWSALBTG", seconds)) {
    for (const Weighted& choice : action.choices) {
      if (choice.group->digest == *subject) chosen = &choice;
    }
  }
  if (chosen == nullptr) chosen = by_weight(exchange.worker, action);
  if (chosen != nullptr) {
    add_set_cookie(cookies, "AWSALBTG", sealed(exchange, chosen->group->digest),
                   exchange.worker.unix_seconds() + kCookieLifeSeconds);
  }
  return chosen;
}

// docs: load-balancer-target-groups, slow start: a target's share grows linearly with its time.
bool passes_slow_start(Worker& worker, const CompiledGroup& group, const TargetState& target) {
  const std::int64_t since = target.slow_start_ms.load(std::memory_order_relaxed);
  if (since == 0) return true;
  const std::int64_t duration = std::int64_t{1000} * group.spec.slow_start_seconds;
  const std::int64_t elapsed = worker.now_ms() - since;
  if (elapsed >= duration) return true;
  return static_cast<std::int64_t>(worker.random() % static_cast<std::uint64_t>(duration)) <
         elapsed;
}

// Ties go round.
TargetState* least_outstanding(const Eligible& eligible, std::size_t start) {
  TargetState* best = nullptr;
  int least = 0;
  for (std::size_t i = 0; i < eligible.targets.size(); ++i) {
    TargetState* each = eligible.targets[(start + i) % eligible.targets.size()].get();
    const int outstanding = each->outstanding.load(std::memory_order_relaxed);
    if (best == nullptr || outstanding < least) {
      best = each;
      least = outstanding;
    }
  }
  return best;
}

TargetState* by_algorithm(Worker& worker, const CompiledGroup& group, const Eligible& eligible,
                          std::uint32_t& cursor) {
  const std::size_t count = eligible.targets.size();
  if (count <= 1) return count == 0 ? nullptr : eligible.targets[0].get();
  if (group.spec.algorithm == Algorithm::least_outstanding_requests)
    return least_outstanding(eligible, cursor++ % count);
  // Refused turns of slow starters go to the next one; the bound only ends very unlikely series.
  for (std::size_t turn = 0; turn < 4 * count; ++turn) {
    const std::size_t at = group.spec.algorithm == Algorithm::weighted_random
                               ? worker.random() % count
                               : cursor++ % count;
    TargetState* target = eligible.targets[at].get();
    if (!eligible.slow_start || passes_slow_start(worker, group, *target)) return target;
  }
  return eligible.targets[cursor % count].get();
}

TargetState* sticky_target(Exchange& exchange, const http1::RequestHead& head,
                           const CompiledGroup& group, const Eligible& eligible) {
  std::string_view name = "AWSALB";
  if (group.spec.stickiness == Stickiness::app_cookie) {
    if (!find_cookie(head, group.spec.stickiness_cookie)) return nullptr;
    name = "AWSALBAPP-0";
  }
  const auto subject = sticky_subject(exchange, head, name, group.spec.stickiness_seconds);
  if (!subject) return nullptr;
  for (const auto& target : eligible.targets) {
    if (target->digest == *subject) return target.get();
  }
  return nullptr;  // gone or unhealthy: another one
}

}  // namespace

Choice choose(Exchange& exchange, const http1::RequestHead& head, unsigned zone) {
  Choice out;
  Worker& worker = exchange.worker;
  const Weighted* chosen = choose_group(exchange, head, out.cookies);
  if (chosen == nullptr) return out;
  out.group = chosen->group;
  const CompiledGroup& group = *out.group;
  exchange.group_counts = &chosen->tally->at(worker.index(), zone);
  GroupState::PerThread& own = group.state->thread(worker.index());
  const Eligible& eligible = group.state->eligible(worker.index());
  if (eligible.fail_open && !eligible.targets.empty())
    exchange.group_counts->add(Count::unhealthy_routing_requests);
  const bool sticky = group.spec.stickiness == Stickiness::lb_cookie ||
                      group.spec.stickiness == Stickiness::app_cookie;
  if (sticky) {
    out.target = sticky_target(exchange, head, group, eligible);
    if (out.target == nullptr) exchange.group_counts->add(Count::non_sticky_requests);
  }
  if (out.target == nullptr) out.target = by_algorithm(worker, group, eligible, own.cursor);
  if (out.target != nullptr && group.spec.stickiness == Stickiness::lb_cookie) {
    add_set_cookie(out.cookies, "AWSALB", sealed(exchange, out.target->digest),
                   worker.unix_seconds() + kCookieLifeSeconds);
  }
  return out;
}

TargetState* choose_for_connection(Worker& worker, const CompiledGroup& group,
                                   const PeerAddress& peer) {
  const Eligible& eligible = group.state->eligible(worker.index());
  if (eligible.targets.empty()) return nullptr;
  if (group.spec.stickiness == Stickiness::source_ip) {
    // Rendezvous hashing: a target that goes moves only its own clients.
    TargetState* best = nullptr;
    std::uint64_t highest = 0;
    for (const auto& target : eligible.targets) {
      std::uint64_t mixed = target->digest;
      for (const std::uint8_t byte : peer.bytes) mixed = (mixed ^ byte) * 0x100000001b3ULL;
      mixed ^= mixed >> 29;
      if (best == nullptr || mixed > highest) {
        best = target.get();
        highest = mixed;
      }
    }
    return best;
  }
  return by_algorithm(worker, group, eligible, group.state->thread(worker.index()).cursor);
}

// docs: sticky-sessions, application-based stickiness: the application's own cookie begins it.
void add_application_cookie(Exchange& exchange, const http1::ResponseHead& head) {
  const TargetGroup& spec = exchange.group->spec;
  if (spec.stickiness != Stickiness::app_cookie) return;
  for (const http1::Field& field : head.fields) {
    if (field.known != http1::Name::set_cookie) continue;
    const std::string_view value = field.value;
    if (!value.starts_with(spec.stickiness_cookie) ||
        value.substr(spec.stickiness_cookie.size(), 1) != "=") {
      continue;
    }
    exchange.cookies.append("Set-Cookie: AWSALBAPP-0=")
        .append(sealed(exchange, exchange.target->digest))
        .append("; Path=/\r\n");
    return;
  }
}

}  // namespace landfall::proxy
