#include "services/ecs/definition/fargate_sizes.h"

#include <cmath>

#include "wire/ecs/errors.h"

namespace landfall::ecs {
namespace {

struct Row {
  int cpu_units;
  int least_mib;
  int most_mib;
  int step_mib;
};
constexpr Row kSizes[] = {
    {512, 1024, 4096, 1024},   {1024, 2048, 8192, 1024},   {2048, 4096, 16384, 1024},
    {4096, 8192, 30720, 1024}, {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192},
};

// "256" as it is; "0.25 vCPU" times 1024. None: neither.
std::optional<int> parse_amount(std::string text, std::string_view unit) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  double scale = 1;
  if (text.ends_with(unit)) {
    text.resize(text.size() - unit.size());
    while (text.ends_with(' ')) text.pop_back();
    scale = 1024;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  value *= scale;
  if (!(value > 0) || value > 1e6 || value != std::floor(value)) return {};
  return static_cast<int>(value);
}

bool exists(const TaskSize& size) {
  if (size.cpu_units == 256)
    return size.memory_mib == 512 || size.memory_mib == 1024 || size.memory_mib == 2048;
  return std::ranges::any_of(kSizes, [&](const Row& row) {
    return size.cpu_units == row.cpu_units && size.memory_mib >= row.least_mib &&
           size.memory_mib <= row.most_mib && (size.memory_mib - row.least_mib) % row.step_mib == 0;
  });
}

}  // namespace

Result<TaskSize> parse_task_size(const std::string& cpu, const std::string& memory) {
  if (cpu.empty())
    return errors::client("Fargate requires that 'cpu' be defined at the task level.");
  if (memory.empty())
    return errors::client("Fargate requires that 'memory' be defined at the task level.");
  const auto units = parse_amount(cpu, "vcpu");
  if (!units)
    return errors::client(
        fmt::format("Invalid 'cpu' setting for task. '{}' is neither CPU units nor vCPU.", cpu));
  const auto mib = parse_amount(memory, "gb");
  if (!mib)
    return errors::client(
        fmt::format("Invalid 'memory' setting for task. '{}' is neither MiB nor GB.", memory));
  const TaskSize size{*units, *mib};
  if (!exists(size))
    return errors::client(
        fmt::format("No Fargate configuration exists for given values: {} CPU, {} memory. See the "
                    "Amazon ECS documentation for the valid values.",
                    size.cpu_units, size.memory_mib));
  return size;
}

}  // namespace landfall::ecs
