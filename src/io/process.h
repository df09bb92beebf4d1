// Child processes: run to the end with a deadline, or start and keep.
#pragma once

#include <string>
#include <vector>

#include "io/files.h"
#include "io/loop.h"

namespace landfall::io {

struct Command {
  std::vector<std::string> argv;              // argv[0] is looked up in PATH
  std::string input = {};                     // standard input; then closed
  std::vector<std::string> environment = {};  // "NAME=value"; empty: inherits ours
  std::string network_namespace = {};  // path of a namespace file to enter first; empty: stay
  std::string directory = {};
  Millis timeout = std::chrono::seconds(30);
  std::size_t output_limit = 16 << 20;  // more is cut off, and said in `truncated`
};

struct CommandResult {
  int exit_code = 0;  // 128 + signal when killed by one
  std::string out;
  std::string err;
  bool truncated = false;
  bool ok() const { return exit_code == 0; }
};

// Errors: "program-missing" (names it), "timeout" (the child is killed), errno-*. A non-zero exit
// is not an error here. A stopped task kills the child.
task<Result<CommandResult>> run_command(Loop& loop, Command command);
// As above, but a non-zero exit is the error "command-failed" with what it printed.
task<Result<std::string>> check_command(Loop& loop, Command command);

// Starts a program that outlives this process: own session, standard streams on /dev/null or
// `log_path`.
Result<int> start_daemon(const Command& command, const std::string& log_path = {});

// Is process `pid` alive and started at `start_time` (field 22 of /proc/PID/stat)? Guards against
// reused ids.
bool process_alive(int pid, std::uint64_t start_time);
Result<std::uint64_t> process_start_time(int pid);

}  // namespace landfall::io
