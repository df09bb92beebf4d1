#include "services/rds/metrics.h"

#include <sstream>
#include <thread>

#include "base/log.h"
#include "services/rds/classes.h"
#include "services/rds/server.h"

namespace landfall::rds {
namespace {

// One look at the server for all that only it knows; our own session does not count.
constexpr const char* kQuestion =
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND "
    "usename <> 'rdsadmin'), (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()), "
    "(SELECT max(age(datfrozenxid)) FROM pg_database)";

std::optional<Inside> read_answer(const std::string& answer) {
  Inside out;
  std::istringstream words(answer);
  char bar = 0;
  if (!(words >> out.connections >> bar >> out.log_bytes >> bar >> out.oldest_transaction_id))
    return {};
  return out;
}

double per(double amount, double of) { return of > 0 ? amount / of : 0; }

}  // namespace

std::vector<cloudwatch::Sample> samples_of(const std::string& identifier,
                                           const std::optional<Measured>& before,
                                           const Measured& now, const Gauges& gauges) {
  std::vector<cloudwatch::Sample> out;
  const auto add = [&](const char* name, const char* unit, double value) {
    out.push_back({.metric = {"AWS/RDS", name, {{"DBInstanceIdentifier", identifier}}},
                   .time = now.at,
                   .unit = unit,
                   .values = {{value, 1}}});
  };
  add("FreeStorageSpace", "Bytes", double(gauges.free_storage_bytes));
  if (now.container.memory_limit_bytes > 0) {
    const auto used =
        std::min(now.container.memory_working_bytes, now.container.memory_limit_bytes);
    add("FreeableMemory", "Bytes", double(now.container.memory_limit_bytes - used));
  }
  if (gauges.inside) {
    add("DatabaseConnections", "Count", gauges.inside->connections);
    add("TransactionLogsDiskUsage", "Bytes", gauges.inside->log_bytes);
    add("MaximumUsedTransactionIDs", "Count", gauges.inside->oldest_transaction_id);
  }
  // A server or a mount that is new since then counts from zero again.
  if (!before || now.at <= before->at || now.container.cpu_ns < before->container.cpu_ns ||
      now.traffic.reads < before->traffic.reads || now.traffic.writes < before->traffic.writes)
    return out;
  const double seconds = std::chrono::duration<double>(now.at - before->at).count();
  const double busy = double(now.container.cpu_ns - before->container.cpu_ns) / 1e9;
  add("CPUUtilization", "Percent", std::min(100.0, 100 * busy / seconds / gauges.vcpus));
  const auto& then = before->traffic;
  const auto& traffic = now.traffic;
  const double reads = double(traffic.reads - then.reads);
  const double writes = double(traffic.writes - then.writes);
  add("ReadIOPS", "Count/Second", reads / seconds);
  add("WriteIOPS", "Count/Second", writes / seconds);
  add("ReadThroughput", "Bytes/Second", double(traffic.read_bytes - then.read_bytes) / seconds);
  add("WriteThroughput", "Bytes/Second",
      double(traffic.written_bytes - then.written_bytes) / seconds);
  add("ReadLatency", "Seconds", per(double(traffic.read_ms - then.read_ms) / 1000, reads));
  add("WriteLatency", "Seconds", per(double(traffic.write_ms - then.write_ms) / 1000, writes));
  add("DiskQueueDepth", "Count", double(traffic.queue_ms - then.queue_ms) / 1000 / seconds);
  return out;
}

task<void> InstanceMetrics::run() {
  while (true) {
    co_await measure_all();
    co_await rds_.loop.sleep_for(every_);
  }
}

task<void> InstanceMetrics::measure_all() {
  std::map<std::string, Measured> known;
  for (const store::KeyValue& pair : rds_.store.range(kRoot)) {
    if (!parse_key(pair.key, "instances")) continue;
    const auto instance = record::from_text<DbInstance>(pair.value);
    if (!instance || instance->wanted != Wanted::running || !instance->available_at) continue;
    if (auto done = co_await measure(*instance); !done) {
      log::debug("rds", "metrics of {}: {}", instance->identifier, done.error().message);
      continue;
    }
    known[instance->resource_id] = before_[instance->resource_id];
  }
  before_ = std::move(known);
}

task<Result<void>> InstanceMetrics::measure(DbInstance instance) {
  const std::string volume = volume_of(instance.resource_id);
  LF_CO_TRY(stats, rds_.containers.stats(container_of(instance)));
  LF_CO_TRY(usage, rds_.volumes.usage(volume));
  LF_CO_TRY(traffic, rds_.volumes.traffic(volume));
  Gauges gauges;
  const auto size = find_instance_class(instance.instance_class);
  const int cores = int(std::max(1u, std::thread::hardware_concurrency()));
  gauges.vcpus = size ? std::min(cores, size->vcpus) : cores;
  gauges.free_storage_bytes = usage.free_bytes;
  if (auto said =
          co_await host::run_sql(rds_.loop, server_to_ask(rds_, instance), "postgres", kQuestion))
    gauges.inside = read_answer(*said);
  const Measured now{rds_.clock.now(), stats, traffic};
  std::optional<Measured> before;
  if (const auto found = before_.find(instance.resource_id); found != before_.end())
    before = found->second;
  before_[instance.resource_id] = now;
  co_return co_await metrics_.put(instance.scope(),
                                  samples_of(instance.identifier, before, now, gauges));
}

}  // namespace landfall::rds
