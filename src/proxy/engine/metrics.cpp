// The counters of all threads, added up under their CloudWatch names.
#include "proxy/engine/engine.h"
#include "proxy/log/access_log.h"

namespace landfall::proxy {
namespace {

template <class PerThread, class Get>
CounterSet add_up(const std::vector<PerThread>& threads, Get counters_of) {
  CounterSet out;
  std::vector<std::uint64_t> buckets(Histogram::kBuckets);
  std::uint64_t microseconds = 0;
  for (const PerThread& thread : threads) {
    const Counters& counters = counters_of(thread);
    for (std::size_t i = 0; i < counters.values.size(); ++i) {
      const std::uint64_t value = counters.values[i].read();
      if (value != 0) out.counters[std::string(count_name(static_cast<Count>(i)))] += value;
    }
    out.target_response_time.count += counters.response_time.count();
    microseconds += counters.response_time.sum_microseconds();
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += counters.response_time.bucket(i);
  }
  while (!buckets.empty() && buckets.back() == 0) buckets.pop_back();
  out.target_response_time.buckets = std::move(buckets);
  out.target_response_time.sum = static_cast<double>(microseconds) / 1e6;
  return out;
}

const CompiledBalancer* balancer_of(const CompiledConfig& config, const CompiledGroup& group) {
  for (const auto& listener : config.listeners) {
    if (!listener) continue;
    for (const CompiledRule& rule : listener->rules) {
      for (const WeightedGroup& each : rule.action.spec.groups) {
        if (each.group == group.spec.id) return listener->balancer;
      }
    }
  }
  return nullptr;
}

}  // namespace

Metrics Engine::metrics() const {
  Metrics out{.boot = boot_, .revision = revision()};
  if (!config_) return out;
  for (const auto& balancer : config_->balancers) {
    if (balancer->access_log) out.dropped_log_records += balancer->access_log->dropped();
    CounterSet set = add_up(balancer->state->threads,
                            [](const Counters& counters) -> const Counters& { return counters; });
    set.load_balancer = balancer->spec.id;
    const auto opened = static_cast<std::int64_t>(set.counters["NewConnectionCount"]);
    const auto closed = static_cast<std::int64_t>(set.counters["ClosedConnectionCount"]);
    set.gauges["ActiveConnectionCount"] = opened - closed;
    out.sets.push_back(std::move(set));
  }
  for (const auto& [id, group] : config_->groups) {
    CounterSet set = add_up(
        group->state->threads(),
        [](const GroupState::PerThread& thread) -> const Counters& { return thread.counters; });
    const CompiledBalancer* balancer = balancer_of(*config_, *group);
    set.load_balancer = balancer != nullptr ? balancer->spec.id : "";
    set.target_group = id;
    std::int64_t healthy = 0, unhealthy = 0;
    for (const auto& target : group->registered) {
      const Health health = target->health.load();
      healthy += health == Health::healthy;
      unhealthy += health == Health::unhealthy;
    }
    set.gauges["HealthyHostCount"] = healthy;
    set.gauges["UnHealthyHostCount"] = unhealthy;
    out.sets.push_back(std::move(set));
  }
  return out;
}

}  // namespace landfall::proxy
