// From counters of running tasks to the metrics that AWS/ECS and ECS/ContainerInsights show: pure
// but for the memory of what was seen before.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/cloudwatch/port.h"

namespace landfall::ecs {

// Since the container or the interface began.
struct Counters {
  std::uint64_t cpu_ns = 0;
  std::uint64_t memory_bytes = 0;  // now, without cache that can be dropped
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

struct ContainerReading {
  std::string id;
  std::string name;
  TimePoint started{};
  Counters counters;  // of the network, the first container's are the task's
};

struct TaskReading {
  std::string cluster;
  std::string service;  // empty: run by hand
  std::string family;
  std::string id;
  double cpu_reserved = 0;  // units: 1024 is one vCPU
  double memory_reserved_mib = 0;
  std::vector<ContainerReading> containers;  // that run
};

struct Usage {
  double cpu_units = 0;
  double memory_mib = 0;
  double received_per_s = 0;
  double sent_per_s = 0;
};

struct TaskUsage {
  TaskReading task;
  Usage usage;                                            // of its containers together
  std::vector<std::pair<std::string, Usage>> containers;  // by name
};

// What has been used between two looks.
class Meter {
 public:
  // Tasks with a container that was not seen before and is older than `fresh` are left out: what
  // they used since the last look is unknown.
  std::vector<TaskUsage> look(const std::vector<TaskReading>& tasks, TimePoint now, Millis fresh);

 private:
  struct Before {
    Counters counters;
    TimePoint at{};
  };
  std::map<std::string, Before> before_;  // by container
};

// CPUUtilization and MemoryUtilization: used of what is reserved, of each service's tasks, and of
// all tasks of a cluster.
std::vector<cloudwatch::Sample> utilization(const std::vector<TaskUsage>& tasks, TimePoint time,
                                            bool high_resolution);

struct ServiceCounts {
  std::string service;
  int desired = 0;
  int running = 0;
  int pending = 0;
  int deployments = 0;
};
struct ClusterCounts {
  std::string cluster;
  bool enhanced = false;  // task and container metrics, too
  int tasks = 0;          // running, also those run by hand
  std::vector<ServiceCounts> services;
};
// Container Insights of one cluster; tasks of others are passed over.
std::vector<cloudwatch::Sample> insights(const ClusterCounts& cluster,
                                         const std::vector<TaskUsage>& tasks, TimePoint time);

}  // namespace landfall::ecs
