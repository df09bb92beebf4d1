// The counters of all threads, added up under their CloudWatch names.
#include "proxy/engine/engine.h"
#include "proxy/log/access_log.h"
#include "proxy/log/connection_log.h"
#include "proxy/log/health_check_log.h"

namespace landfall::proxy {
namespace {

void add_times(Distribution& out, const Histogram& times) {
  if (times.count() == 0) return;
  out.count += times.count();
  out.sum += static_cast<double>(times.sum_microseconds()) / 1e6;
  out.buckets.resize(Histogram::kBuckets);
  for (std::size_t i = 0; i < out.buckets.size(); ++i) out.buckets[i] += times.bucket(i);
}

void trim(Distribution& out) {
  while (!out.buckets.empty() && out.buckets.back() == 0) out.buckets.pop_back();
}

// One zone's share of a tally.
CounterSet add_up(const Tally& tally, unsigned zone) {
  CounterSet out;
  for (unsigned thread = 0; thread < tally.threads(); ++thread) {
    const Counters* counters = tally.find(thread, zone);
    if (counters == nullptr) continue;
    for (std::size_t i = 0; i < counters->values.size(); ++i) {
      const std::uint64_t value = counters->values[i].read();
      if (value != 0) out.counters[std::string(count_name(static_cast<Count>(i)))] += value;
    }
    add_times(out.target_response_time, counters->response_time);
    add_times(out.auth_latency, counters->auth_time);
  }
  trim(out.target_response_time);
  trim(out.auth_latency);
  return out;
}

// HealthyHostCount and its like, by the targets' zones.
void add_host_counts(const CompiledGroup& group, std::map<std::string, CounterSet>& by_zone) {
  std::map<const TargetState*, std::string> zones;
  auto state = group.registered.begin();
  for (const Target& target : group.spec.targets) {
    // In the order of the snapshot, without those that are deregistered.
    if (target.deregistered_ms == 0 && state != group.registered.end())
      zones[(state++)->get()] = target.zone;
  }
  for (const auto& [target, zone] : zones) {
    auto& gauges = by_zone[zone].gauges;
    const Health health = target->health.load();
    gauges["HealthyHostCount"] += health == Health::healthy;
    gauges["UnHealthyHostCount"] += health == Health::unhealthy;
    gauges["RegisteredHostCount"] += 1;
  }
}

}  // namespace

Metrics Engine::metrics() const {
  Metrics out{.boot = boot_, .revision = revision()};
  if (!config_) return out;
  for (const auto& balancer : config_->balancers) {
    if (balancer->access_log) out.dropped_log_records += balancer->access_log->dropped();
    if (balancer->connection_log) out.dropped_log_records += balancer->connection_log->dropped();
    if (balancer->health_check_log)
      out.dropped_log_records += balancer->health_check_log->dropped();
    const BalancerState& state = *balancer->state;
    for (unsigned zone = 0; zone < state.zones.size(); ++zone) {
      CounterSet set = add_up(state.tally, zone);
      set.load_balancer = balancer->spec.id;
      set.zone = state.zones[zone];
      const auto opened = static_cast<std::int64_t>(set.counters["NewConnectionCount"]);
      const auto closed = static_cast<std::int64_t>(set.counters["ClosedConnectionCount"]);
      set.gauges["ActiveConnectionCount"] = std::max<std::int64_t>(opened - closed, 0);
      out.sets.push_back(std::move(set));
    }
    for (const auto& [group, tally] : balancer->groups) {
      std::map<std::string, CounterSet> by_zone;
      for (unsigned zone = 0; zone < state.zones.size(); ++zone)
        by_zone[state.zones[zone]] = add_up(*tally, zone);
      add_host_counts(*group, by_zone);
      for (auto& [zone, set] : by_zone) {
        set.load_balancer = balancer->spec.id;
        set.target_group = group->spec.id;
        set.zone = zone;
        out.sets.push_back(std::move(set));
      }
    }
  }
  return out;
}

}  // namespace landfall::proxy
