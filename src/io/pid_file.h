// A file "PID START_TIME" that names a process beside the server (the load balancers' proxy, DNS).
#pragma once

#include <filesystem>

#include "base/result.h"

namespace landfall::io {

struct ProcessId {
  int pid = 0;
  std::uint64_t start_time = 0;  // guards against reused ids
};

Result<ProcessId> read_pid_file(const std::filesystem::path& path);
// Of this process.
Result<void> write_pid_file(const std::filesystem::path& path);

}  // namespace landfall::io
