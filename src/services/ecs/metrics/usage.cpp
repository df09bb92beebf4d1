#include "services/ecs/metrics/usage.h"

#include <algorithm>

namespace landfall::ecs {
namespace {

constexpr double kMib = 1024.0 * 1024.0;
constexpr double kUnitsPerCore = 1024;

std::uint64_t since(std::uint64_t now, std::uint64_t before) {
  return now >= before ? now - before : now;  // a counter that began anew
}

using Dimensions = std::map<std::string, std::string>;

// Values of several tasks under one name: how many, their sum, the least and the most.
class Sheet {
 public:
  Sheet(std::string space, TimePoint time, bool high_resolution = false)
      : space_(std::move(space)), time_(time), high_resolution_(high_resolution) {}

  void add(const std::string& name, const Dimensions& dimensions, const std::string& unit,
           double value) {
    auto [at, fresh] = lines_.try_emplace({space_, name, dimensions});
    cloudwatch::Summary& sum = at->second.summary;
    sum.minimum = fresh ? value : std::min(sum.minimum, value);
    sum.maximum = fresh ? value : std::max(sum.maximum, value);
    sum.sum += value;
    sum.sample_count += 1;
    at->second.unit = unit;
  }

  std::vector<cloudwatch::Sample> samples() const {
    std::vector<cloudwatch::Sample> out;
    for (const auto& [metric, line] : lines_) {
      cloudwatch::Sample& sample = out.emplace_back();
      sample.metric = metric;
      sample.time = time_;
      sample.unit = line.unit;
      sample.summary = line.summary;
      sample.high_resolution = high_resolution_;
    }
    return out;
  }

 private:
  struct Line {
    cloudwatch::Summary summary;
    std::string unit;
  };
  std::string space_;
  TimePoint time_;
  bool high_resolution_;
  std::map<cloudwatch::MetricKey, Line> lines_;
};

void add(Usage& to, const Usage& more) {
  to.cpu_units += more.cpu_units;
  to.memory_mib += more.memory_mib;
  to.received_per_s += more.received_per_s;
  to.sent_per_s += more.sent_per_s;
}

void add_usage(Sheet& sheet, const Dimensions& dimensions, const std::string& prefix,
               const TaskUsage& task) {
  sheet.add(prefix + "CpuUtilized", dimensions, "None", task.usage.cpu_units);
  sheet.add(prefix + "CpuReserved", dimensions, "None", task.task.cpu_reserved);
  sheet.add(prefix + "MemoryUtilized", dimensions, "Megabytes", task.usage.memory_mib);
  sheet.add(prefix + "MemoryReserved", dimensions, "Megabytes", task.task.memory_reserved_mib);
  sheet.add(prefix + "NetworkRxBytes", dimensions, "Bytes/Second", task.usage.received_per_s);
  sheet.add(prefix + "NetworkTxBytes", dimensions, "Bytes/Second", task.usage.sent_per_s);
}

// What "enhanced" adds: single tasks, and their containers.
void add_enhanced(Sheet& sheet, const Dimensions& cluster, const TaskUsage& usage) {
  const TaskReading& task = usage.task;
  Dimensions single = cluster;
  single["TaskDefinitionFamily"] = task.family;
  single["TaskId"] = task.id;
  if (!task.service.empty()) single["ServiceName"] = task.service;
  if (task.cpu_reserved > 0)
    sheet.add("TaskCpuUtilization", single, "Percent",
              100 * usage.usage.cpu_units / task.cpu_reserved);
  if (task.memory_reserved_mib > 0)
    sheet.add("TaskMemoryUtilization", single, "Percent",
              100 * usage.usage.memory_mib / task.memory_reserved_mib);
  for (const auto& [name, container] : usage.containers) {
    Dimensions one = single;
    one["ContainerName"] = name;
    sheet.add("ContainerCpuUtilized", one, "None", container.cpu_units);
    sheet.add("ContainerMemoryUtilized", one, "Megabytes", container.memory_mib);
    if (task.cpu_reserved > 0)
      sheet.add("ContainerCpuUtilization", one, "Percent",
                100 * container.cpu_units / task.cpu_reserved);
    if (task.memory_reserved_mib > 0)
      sheet.add("ContainerMemoryUtilization", one, "Percent",
                100 * container.memory_mib / task.memory_reserved_mib);
  }
}

}  // namespace

std::vector<TaskUsage> Meter::look(const std::vector<TaskReading>& tasks, TimePoint now,
                                   Millis fresh) {
  std::map<std::string, Before> seen;
  std::vector<TaskUsage> out;
  for (const TaskReading& task : tasks) {
    TaskUsage used{task, {}, {}};
    bool known = !task.containers.empty();
    for (const ContainerReading& container : task.containers) {
      seen[container.id] = {container.counters, now};
      const auto found = before_.find(container.id);
      // What has just begun has used everything since its begin.
      const bool begun = container.started != TimePoint{} && now - container.started <= fresh;
      if (found == before_.end() && !begun) {
        known = false;
        continue;
      }
      const Before before = found == before_.end() ? Before{{}, container.started} : found->second;
      const double seconds = std::chrono::duration<double>(now - before.at).count();
      if (seconds <= 0) {
        known = false;
        continue;
      }
      const Counters& c = container.counters;
      const Usage usage{
          .cpu_units =
              double(since(c.cpu_ns, before.counters.cpu_ns)) / 1e9 / seconds * kUnitsPerCore,
          .memory_mib = double(c.memory_bytes) / kMib,
          .received_per_s =
              double(since(c.received_bytes, before.counters.received_bytes)) / seconds,
          .sent_per_s = double(since(c.sent_bytes, before.counters.sent_bytes)) / seconds};
      add(used.usage, usage);
      used.containers.emplace_back(container.name, usage);
    }
    if (known) out.push_back(std::move(used));
  }
  before_ = std::move(seen);
  return out;
}

std::vector<cloudwatch::Sample> utilization(const std::vector<TaskUsage>& tasks, TimePoint time,
                                            bool high_resolution) {
  Sheet sheet("AWS/ECS", time, high_resolution);
  for (const TaskUsage& used : tasks) {
    const TaskReading& task = used.task;
    std::vector<Dimensions> places = {{{"ClusterName", task.cluster}}};
    if (!task.service.empty())
      places.push_back({{"ClusterName", task.cluster}, {"ServiceName", task.service}});
    for (const Dimensions& place : places) {
      if (task.cpu_reserved > 0)
        sheet.add("CPUUtilization", place, "Percent",
                  100 * used.usage.cpu_units / task.cpu_reserved);
      if (task.memory_reserved_mib > 0)
        sheet.add("MemoryUtilization", place, "Percent",
                  100 * used.usage.memory_mib / task.memory_reserved_mib);
    }
  }
  return sheet.samples();
}

std::vector<cloudwatch::Sample> insights(const ClusterCounts& counts,
                                         const std::vector<TaskUsage>& tasks, TimePoint time) {
  Sheet sheet("ECS/ContainerInsights", time);
  const Dimensions cluster = {{"ClusterName", counts.cluster}};
  const auto count = [&](const std::string& name, const Dimensions& dimensions, int value) {
    sheet.add(name, dimensions, "Count", value);
  };
  count("TaskCount", cluster, counts.tasks);
  count("ServiceCount", cluster, static_cast<int>(counts.services.size()));
  count("ContainerInstanceCount", cluster, 0);
  for (const ServiceCounts& service : counts.services) {
    Dimensions place = cluster;
    place["ServiceName"] = service.service;
    count("DesiredTaskCount", place, service.desired);
    count("RunningTaskCount", place, service.running);
    count("PendingTaskCount", place, service.pending);
    count("DeploymentCount", place, service.deployments);
    count("TaskSetCount", place, 0);
  }
  for (const TaskUsage& used : tasks) {
    if (used.task.cluster != counts.cluster) continue;
    Dimensions family = cluster, service = cluster;
    family["TaskDefinitionFamily"] = used.task.family;
    add_usage(sheet, cluster, "", used);
    add_usage(sheet, family, "", used);
    if (!used.task.service.empty()) {
      service["ServiceName"] = used.task.service;
      add_usage(sheet, service, "", used);
    }
    if (counts.enhanced) add_enhanced(sheet, cluster, used);
  }
  return sheet.samples();
}

}  // namespace landfall::ecs
