// Containers: what is running, with which limits, and how it ended.
//
// A container is a folder on disk plus kernel objects; nothing about it lives only in this process.
// After a restart list() finds every container again, and every call may be repeated after a crash
// at any point.
//
// Life: create (everything is ready, the program has not begun) -> start -> exits by itself or by
// signal()/stop()
// -> remove. A container is started at most once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/record.h"
#include "io/loop.h"

namespace landfall::host {

// CPU and memory of a container, or of a group of containers together. 0 or absent: no limit of its
// own.
struct ResourceLimits {
  // 1024 is one core. Used as weight between the containers of a group.
  std::uint64_t cpu_shares = 0;
  // Hard limit, in thousandths of a core.
  std::uint64_t cpu_quota_millicores = 0;
  // Hard limit: exceeding it kills (ExitStatus::oom_killed).
  std::uint64_t memory_bytes = 0;
  // Soft limit: what the container keeps when the machine is short of memory.
  std::uint64_t memory_reservation_bytes = 0;
  std::uint64_t pids = 0;
};

// A folder or file of the host seen inside the container.
struct ContainerMount {
  std::string source;       // absolute path on the host; must exist
  std::string destination;  // absolute path in the container; made when missing
  bool read_only = false;
  // Ids on disk are the container's own (its user 999 owns files of host uid 999): data stays
  // readable whatever range the container gets. False: ids on disk are host ids, which the
  // container sees as nobody.
  bool container_ids = true;
};

struct ContainerTmpfs {
  std::string destination;
  std::uint64_t size_bytes = 0;           // 0: half of the memory limit
  std::vector<std::string> options = {};  // "noexec", "mode=1777"
};

struct ContainerUlimit {
  std::string name;  // "nofile": setrlimit's names without RLIMIT_, lower case
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

struct ContainerSpec {
  // Letters, digits, '-'; unique in this instance; names the container everywhere on the host.
  std::string id;
  // Containers of one group (an ECS task) share limits, the user id range and the accounting
  // parent. Like `id`.
  std::string group;
  ResourceLimits group_limits = {};
  ResourceLimits limits = {};

  // The root file system: an image in the blob store by manifest or index digest ("sha256:..."), or
  // existing folders stacked (lowest first; never written to; ids on disk are container ids).
  // Exactly one of the two.
  std::string image = {};
  std::vector<std::string> base_folders = {};

  // What runs, in the task definition's terms: an entry point given here discards the image's
  // command, as Docker does.
  std::optional<std::vector<std::string>> entry_point = {};
  std::optional<std::vector<std::string>> command = {};
  std::map<std::string, std::string> environment = {};  // laid over the image's
  std::string user = {};               // "name", "uid", "user:group"; empty: the image's
  std::string working_directory = {};  // empty: the image's, then "/"
  std::string stop_signal = {};        // "SIGTERM"; empty: the image's, then SIGTERM

  std::string hostname = {};
  std::string network_namespace = {};  // path; empty: one of its own with nothing but loopback
  std::vector<std::string> name_servers = {};
  std::vector<std::string> search_domains = {};
  std::map<std::string, std::string> hosts =
      {};  // name -> address, beside localhost and the container's own name

  std::vector<ContainerMount> mounts = {};
  std::vector<ContainerTmpfs> tmpfs = {};
  std::uint64_t shared_memory_bytes = 64 << 20;  // /dev/shm
  bool read_only_root = false;

  std::vector<std::string> add_capabilities = {};   // "SYS_PTRACE", "CAP_SYS_PTRACE"
  std::vector<std::string> drop_capabilities = {};  // "ALL" drops every one
  bool no_new_privileges = true;
  bool seccomp = true;  // the default profile
  std::vector<ContainerUlimit> ulimits = {};
  std::map<std::string, std::string> sysctls = {};  // network sysctls, set in the network namespace
  bool init_process = false;  // a first process that forwards signals and reaps orphans

  // Free text kept with the container and given back by list(): whose it is.
  std::map<std::string, std::string> labels = {};
};

enum class ContainerState {
  creating = 0,  // a create() that has not finished, or was cut short; create() again or remove()
  created = 1,
  running = 2,
  exited = 3,
};

struct ExitStatus {
  int code = 0;                    // as a shell sees it: 128 + signal when killed by one
  std::optional<int> signal = {};  // the signal that killed it
  bool oom_killed = false;         // the kernel killed it for exceeding a memory limit
  // Set when the code is not the program's own: "host-restarted", "monitor-lost".
  std::string reason = {};
  TimePoint at = {};
};

struct ContainerInfo {
  std::string id;
  std::string group;
  ContainerState state = ContainerState::creating;
  int pid = 0;                    // on the host, while running
  std::string image_digest = {};  // of the platform's own manifest
  std::string log_path = {};      // conmon's k8s-file format; see log_follower.h
  TimePoint created_at = {};
  std::optional<TimePoint> started_at = {};
  std::optional<ExitStatus> exit = {};
  std::map<std::string, std::string> labels = {};
};

struct ExecRequest {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment = {};  // laid over the container's
  std::string user = {};                                // empty: the container's
  std::string working_directory = {};                   // empty: the container's
  std::string input = {};
  Millis timeout = std::chrono::seconds(60);
  std::size_t output_limit = 4096;
};

struct ExecResult {
  int exit_code = 0;
  std::string output;  // standard output and error, as they came
  bool truncated = false;
  bool ok() const { return exit_code == 0; }
};

struct ContainerStats {
  std::uint64_t cpu_ns = 0;
  std::uint64_t memory_bytes = 0;          // everything charged, page cache included
  std::uint64_t memory_working_bytes = 0;  // without the cache that can be dropped
  std::uint64_t memory_limit_bytes = 0;    // 0: none
  std::uint64_t pids = 0;
  std::uint64_t oom_kills = 0;
};

class Containers {
 public:
  virtual ~Containers() = default;

  // Makes everything ready. Repeatable: an existing container of that id is returned as it is, a
  // half-made one is made anew. Errors (the message names the program, the file or the
  // architectures):
  //   "invalid-container"      the spec contradicts itself
  //   "image-not-found"        no such manifest or blob
  //   "image-invalid"          it cannot be read, or a layer is unsafe
  //   "architecture-mismatch"  the image is for another machine
  //   "command-missing"        neither spec nor image say what to run
  //   "command-not-found", "command-not-executable", "exec-format"   what is to run cannot
  //   "user-not-found", "working-directory-invalid", "mount-invalid"
  //   "disk-full", "program-missing", "limits-refused", "runtime-failed"
  virtual task<Result<ContainerInfo>> create(ContainerSpec spec) = 0;
  // Lets the program begin. Running or exited already: success. Errors: "container-unknown",
  // "runtime-failed".
  virtual task<Result<ContainerInfo>> start(std::string id) = 0;
  // To the first process. Error "container-unknown", "container-not-running".
  virtual task<Result<void>> signal(std::string id, int signal) = 0;
  // Its stop signal, then SIGKILL after `grace`. Not running: success. Returns when it has exited.
  virtual task<Result<ExitStatus>> stop(std::string id, Millis grace) = 0;
  // Resumes when the container has exited; at once when it has. Any number of waiters. Error
  // "container-unknown", also when it is removed meanwhile.
  virtual task<Result<ExitStatus>> wait(std::string id) = 0;
  // Runs a command inside. A command that cannot be started gives exit code 126 or 127 and says so
  // in the output. Errors: "container-unknown", "container-not-running", "timeout" (it has been
  // killed), "runtime-failed".
  virtual task<Result<ExecResult>> exec(std::string id, ExecRequest request) = 0;
  // Errors: "container-unknown", "container-not-running".
  virtual Result<ContainerStats> stats(const std::string& id) = 0;
  virtual std::optional<ContainerInfo> find(const std::string& id) const = 0;
  virtual std::vector<ContainerInfo> list() const = 0;
  // Kills it if need be and removes every trace, its log included. Absent is success.
  virtual task<Result<void>> remove(std::string id) = 0;
};

// "SIGTERM", "TERM" or "15" -> 15. Error "invalid-signal".
Result<int> parse_signal(std::string_view name);

LF_RECORD(ResourceLimits, cpu_shares, cpu_quota_millicores, memory_bytes, memory_reservation_bytes,
          pids)
LF_RECORD(ContainerMount, source, destination, read_only, container_ids)
LF_RECORD(ContainerTmpfs, destination, size_bytes, options)
LF_RECORD(ContainerUlimit, name, soft, hard)
LF_RECORD(ContainerSpec, id, group, group_limits, limits, image, base_folders, entry_point, command,
          environment, user, working_directory, stop_signal, hostname, network_namespace,
          name_servers, search_domains, hosts, mounts, tmpfs, shared_memory_bytes, read_only_root,
          add_capabilities, drop_capabilities, no_new_privileges, seccomp, ulimits, sysctls,
          init_process, labels)
LF_RECORD(ExitStatus, code, signal, oom_killed, reason, at)

}  // namespace landfall::host
