// <folder>/pid: "PID START_TIME", of the process that answers on the control socket.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace landfall::proxy {

struct ProcessId {
  int pid = 0;
  std::uint64_t start_time = 0;  // guards against reused ids
};

Result<ProcessId> read_pid_file(const std::filesystem::path& path);
// Of this process.
Result<void> write_pid_file(const std::filesystem::path& path);

}  // namespace landfall::proxy
