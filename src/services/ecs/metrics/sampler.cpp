#include "services/ecs/metrics/sampler.h"

#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "base/log.h"
#include "io/files.h"

namespace landfall::ecs {
namespace {

constexpr Millis kMinute = std::chrono::minutes(1);
constexpr std::size_t kSamplesAtOnce = 500;
// So that a clock that is being slowed does not make a look fall before its time.
constexpr Millis kLate(20);
constexpr Millis kPutDeadline = std::chrono::seconds(20);

// A file of /proc says that it is empty: it is read until its end.
std::string read_proc(const std::string& path) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string out;
  if (!fd) return out;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::read(fd.get(), buffer, sizeof buffer)) > 0)
    out.append(buffer, static_cast<std::size_t>(count));
  return out;
}

TimePoint aligned(TimePoint now, Millis period) {
  return TimePoint(now.time_since_epoch() / period * period);
}

ServiceCounts count_service(const ServiceRecord& service,
                            const std::vector<store::Row<TaskRecord>>& tasks) {
  ServiceCounts out{.service = service.name,
                    .desired = service.desired_count,
                    .deployments = static_cast<int>(service.deployments.size())};
  for (const auto& task : tasks) {
    if (task.value.service != service.name) continue;
    if (task.value.status == TaskStatus::running) ++out.running;
    if (task.value.status < TaskStatus::running && !task.value.stop_wanted) ++out.pending;
  }
  return out;
}

// None: the cluster has not asked for them.
std::optional<ClusterCounts> count_cluster(const Tables& tables, const ClusterRecord& cluster) {
  const auto setting =
      std::ranges::find(cluster.settings, "containerInsights", &ClusterSetting::name);
  if (!cluster.active || setting == cluster.settings.end() || setting->value == "disabled")
    return {};
  ClusterCounts out{.cluster = cluster.name, .enhanced = setting->value == "enhanced"};
  const auto tasks = tables.tasks.list(cluster.name + "/");
  for (const auto& task : tasks) {
    if (task.value.status == TaskStatus::running) ++out.tasks;
  }
  for (const auto& service : tables.services.list(cluster.name + "/")) {
    if (service.value.status == ServiceStatus::active)
      out.services.push_back(count_service(service.value, tasks));
  }
  return out;
}

}  // namespace

std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_net_dev(std::string_view text) {
  const std::size_t line = text.find("eth0:");
  if (line == std::string_view::npos) return {};
  std::string_view rest = text.substr(line + 5);
  rest = rest.substr(0, rest.find('\n'));
  std::vector<std::uint64_t> numbers;
  const char* at = rest.data();
  const char* end = at + rest.size();
  while (at != end) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    std::uint64_t value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return {};
    numbers.push_back(value);
    at = stop;
  }
  if (numbers.size() < 16) return {};
  return std::pair(numbers[0], numbers[8]);
}

Sampler::Sampler(Fargate& fargate, cloudwatch::Port& cloudwatch, std::chrono::seconds period)
    : fargate_(fargate), cloudwatch_(cloudwatch), period_(period), scope_(fargate.ecs.loop) {}

void Sampler::start() { scope_.spawn("ecs metrics", run()); }

// Looks are at whole periods of the clock, so that each period of a metric has one.
task<void> Sampler::run() {
  const Clock& clock = fargate_.ecs.clock;
  while (true) {
    const TimePoint now = clock.now();
    co_await fargate_.ecs.loop.sleep_for(aligned(now, period_) + period_ - now + kLate);
    co_await look(clock.now());
  }
}

std::vector<TaskReading> Sampler::read(const Tables& tables) {
  std::vector<TaskReading> out;
  for (const auto& row : tables.tasks.list()) {
    const TaskRecord& task = row.value;
    if (task.status != TaskStatus::running) continue;
    TaskReading& reading = out.emplace_back();
    reading.cluster = task.cluster;
    reading.service = task.service;
    reading.family = task.family;
    reading.id = task.id;
    reading.cpu_reserved = std::strtod(task.cpu.c_str(), nullptr);
    reading.memory_reserved_mib = std::strtod(task.memory.c_str(), nullptr);
    for (const TaskContainer& container : task.containers) {
      const auto stats = fargate_.containers.stats(container.host_id);
      const auto info = fargate_.containers.find(container.host_id);
      if (!stats || !info) continue;
      ContainerReading& one = reading.containers.emplace_back();
      one.id = container.host_id;
      one.name = container.name;
      one.started = info->started_at.value_or(TimePoint{});
      one.counters.cpu_ns = stats->cpu_ns;
      one.counters.memory_bytes = stats->memory_working_bytes;
      // All containers share the task's interface.
      if (reading.containers.size() > 1) continue;
      const auto moved = parse_net_dev(read_proc(fmt::format("/proc/{}/net/dev", info->pid)));
      if (moved) std::tie(one.counters.received_bytes, one.counters.sent_bytes) = *moved;
    }
  }
  return out;
}

task<void> Sampler::put(Scope scope, std::vector<cloudwatch::Sample> samples) {
  while (!samples.empty()) {
    const auto cut = samples.size() - std::min(samples.size(), kSamplesAtOnce);
    std::vector<cloudwatch::Sample> part(
        std::make_move_iterator(samples.begin() + static_cast<std::ptrdiff_t>(cut)),
        std::make_move_iterator(samples.end()));
    samples.resize(cut);
    const auto done = co_await io::with_timeout(fargate_.ecs.loop, kPutDeadline,
                                                cloudwatch_.put(scope, std::move(part)));
    if (!done) log::warning("ecs", "metrics are not kept: {}", done.error().message);
  }
}

task<void> Sampler::look(TimePoint now) {
  // A value stands for the period before it.
  const TimePoint time = aligned(now, period_) - period_;
  const bool whole_minute = aligned(now, period_) == aligned(now, kMinute);
  std::set<Scope> scopes;
  for (const store::KeyValue& kv : fargate_.ecs.store.range(kPrefix)) {
    if (const auto parts = parse_key(kv.key); parts && parts->table == "clusters")
      scopes.insert(parts->scope);
  }
  std::erase_if(meters_, [&](const auto& entry) { return !scopes.contains(entry.first); });
  for (const Scope& scope : scopes) {
    const Tables tables = fargate_.ecs.tables(scope);
    Meters& meters = meters_[scope];
    const auto readings = read(tables);
    co_await put(scope, utilization(meters.utilization.look(readings, now, period_ * 2), time,
                                    period_ < kMinute));
    if (!whole_minute) continue;
    const auto used = meters.insights.look(readings, now, kMinute * 2);
    for (const auto& cluster : tables.clusters.list()) {
      if (const auto counts = count_cluster(tables, cluster.value))
        co_await put(scope, insights(*counts, used, aligned(now, kMinute) - kMinute));
    }
  }
}

}  // namespace landfall::ecs
