#include "proxy/engine/choice.h"

namespace landfall::proxy {
namespace {

const CompiledGroup* choose_group(Worker& worker, const CompiledAction& action) {
  if (action.choices.size() == 1) return action.choices[0].group;
  if (action.total_weight == 0) return nullptr;
  const auto point = static_cast<unsigned>(worker.random() % action.total_weight);
  for (const auto& choice : action.choices) {
    if (point < choice.upto) return choice.group;
  }
  return nullptr;
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

TargetState* choose_target(Worker& worker, const CompiledGroup& group) {
  GroupState::PerThread& own = group.state->thread(worker.index());
  const Eligible& eligible = group.state->eligible(worker.index());
  const std::size_t count = eligible.targets.size();
  if (count == 0) return nullptr;
  if (eligible.fail_open) own.counters.add(Count::unhealthy_routing_requests);
  if (count == 1) return eligible.targets[0].get();
  if (group.spec.algorithm == Algorithm::least_outstanding_requests) {
    // Ties go round.
    TargetState* best = nullptr;
    int least = 0;
    const std::size_t start = own.cursor++ % count;
    for (std::size_t i = 0; i < count; ++i) {
      TargetState* each = eligible.targets[(start + i) % count].get();
      const int outstanding = each->outstanding.load(std::memory_order_relaxed);
      if (best == nullptr || outstanding < least) {
        best = each;
        least = outstanding;
      }
    }
    return best;
  }
  // Refused turns of slow starters go to the next one; the bound only ends very unlikely series.
  for (std::size_t turn = 0; turn < 4 * count; ++turn) {
    const std::size_t at = group.spec.algorithm == Algorithm::weighted_random
                               ? worker.random() % count
                               : own.cursor++ % count;
    TargetState* target = eligible.targets[at].get();
    if (!eligible.slow_start || passes_slow_start(worker, group, *target)) return target;
  }
  return eligible.targets[own.cursor % count].get();
}

}  // namespace

Choice choose(Exchange& exchange, const http1::RequestHead&) {
  Choice out;
  out.group = choose_group(exchange.worker, exchange.rule->action);
  if (out.group == nullptr) return out;
  out.target = choose_target(exchange.worker, *out.group);
  return out;
}

}  // namespace landfall::proxy
