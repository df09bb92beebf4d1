#include "io/pid_file.h"

#include <unistd.h>

#include "io/files.h"
#include "io/process.h"

namespace landfall::io {

Result<ProcessId> read_pid_file(const std::filesystem::path& path) {
  LF_TRY(text, read_file(path, 100));
  ProcessId out;
  const char* end = text.data() + text.size();
  const auto pid = std::from_chars(text.data(), end, out.pid);
  if (pid.ec != std::errc() || pid.ptr == end ||
      std::from_chars(pid.ptr + 1, end, out.start_time).ec != std::errc()) {
    return fail("pid-file-unreadable", path.string() + " does not name a process", 500);
  }
  return out;
}

Result<void> write_pid_file(const std::filesystem::path& path) {
  LF_TRY(start_time, process_start_time(::getpid()));
  return write_file(path, fmt::format("{} {}\n", ::getpid(), start_time), 0644);
}

}  // namespace landfall::io
