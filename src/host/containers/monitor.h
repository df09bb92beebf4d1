// One conmon process beside each container: it starts runc, keeps the container's output and exit
// code on disk, and belongs to nobody, so containers live on when this process ends.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "io/loop.h"

namespace landfall::host {

// Files of one container's life between its creation and its end.
struct MonitorPaths {
  std::filesystem::path bundle;      // config.json
  std::filesystem::path runc_state;  // runc's --root, shared by all containers
  std::filesystem::path exits;       // the exit code appears as exits/<id>
  std::filesystem::path log;
  std::filesystem::path init_pid() const { return bundle / "init.pid"; }
  std::filesystem::path monitor_pid() const { return bundle / "monitor.pid"; }
  std::filesystem::path runc_log() const { return bundle / "runc.log"; }
  std::filesystem::path monitor_log() const { return bundle / "monitor.log"; }
  std::filesystem::path start_fifo(const std::string& id) const {
    return runc_state / id / "exec.fifo";
  }
};

struct MonitorStarted {
  int monitor_pid = 0;
  int init_pid = 0;
};

// Starts conmon, which has runc create the container, inside a network namespace (empty: ours).
// `place` is called with conmon's pid before it goes on. Errors: what runc said, mapped (see
// runtime_error); "program-missing", "runtime-failed".
task<Result<MonitorStarted>> start_monitor(io::Loop& loop, std::string id, MonitorPaths paths,
                                           std::string network_namespace,
                                           std::function<Result<void>(int)> place);

// What runc and conmon say, as one of create()'s errors.
Error runtime_error(std::string_view message);

// Lets a created container's program begin: what `runc start` does, without the process. Blocks
// until it has begun. `init`: the container's first process.
Result<void> release_program(const std::filesystem::path& start_fifo, int init);

// Kills conmon and runc processes of this bundle that a crash left half-way. Blocks.
void kill_strays(const std::filesystem::path& bundle);

}  // namespace landfall::host
