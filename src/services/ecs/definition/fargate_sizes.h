// The combinations of CPU and memory that Fargate has.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
#pragma once

#include <string>

#include "base/result.h"

namespace landfall::ecs {

struct TaskSize {
  int cpu_units = 0;  // 1024 is one vCPU
  int memory_mib = 0;
};

// cpu: "256", "0.25 vCPU", ".25 vcpu"; memory: "512", "0.5 GB", "1GB". Error ClientException,
// worded as AWS words it.
Result<TaskSize> parse_task_size(const std::string& cpu, const std::string& memory);

}  // namespace landfall::ecs
