// Control groups of both versions: limits of a group of containers, what they use, and their end.
//
// Paths are relative to every hierarchy's root: "landfall-<tag>/<group>/<container>". The
// containers' own groups are made by runc; this makes the level above and reads all of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace landfall::host {

struct CgroupLimits {
  std::uint64_t cpu_shares = 0;  // 1024 is one core; 0: the kernel's default
  std::uint64_t cpu_quota_millicores = 0;  // 0: as it is
  std::uint64_t memory_bytes = 0;
  std::uint64_t pids = 0;
};

struct CgroupUsage {
  std::uint64_t cpu_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_working_bytes = 0;  // without inactive file cache
  std::uint64_t memory_limit_bytes = 0;    // the nearest that applies; 0: none
  std::uint64_t pids = 0;
};

class Cgroups {
 public:
  // Reads the mounts of this machine. Error "kernel-feature-missing" when there is no memory, cpu
  // or pids controller.
  static Result<Cgroups> detect(const std::filesystem::path& mountinfo = "/proc/self/mountinfo");

  bool unified() const { return unified_; }
  // Can swap be limited? Setting a swap limit where it cannot is an error of the runtime.
  bool limits_swap() const;

  // Makes the group or changes its limits. Error "limits-refused" names the limit.
  Result<void> make(const std::string& path, const CgroupLimits& limits) const;
  // 0: none. Error "limits-refused".
  Result<void> limit_cpu(const std::string& path, std::uint64_t millicores) const;
  // Nothing when there is no such group.
  std::optional<CgroupUsage> usage(const std::string& path) const;
  // How often the kernel killed a process of this group for want of memory.
  std::uint64_t oom_kills(const std::string& path) const;
  // Processes of the group and those below it.
  std::vector<int> processes(const std::string& path) const;
  // Where a process's resource use is accounted; it is moved in every hierarchy.
  Result<void> add_process(const std::string& path, int pid) const;
  // Groups directly below, of all hierarchies.
  std::vector<std::string> children(const std::string& path) const;
  // SIGKILL to every process of the group and below, until none is left or two seconds have passed.
  // Blocks.
  void kill(const std::string& path) const;
  // Removes the group and those below it; absent is success. "cgroup-busy" while a process is
  // inside.
  Result<void> remove(const std::string& path) const;

 private:
  struct Hierarchy {
    std::filesystem::path mount;
    std::vector<std::string> controllers;  // empty: version 2, or a named one
  };
  const std::filesystem::path* find(std::string_view controller) const;
  Result<void> enable_controllers(const std::string& path) const;

  bool unified_ = false;
  std::vector<Hierarchy> hierarchies_;
  // cgroup2 beside version 1 (hybrid): runc makes empty groups there, which go with the others.
  std::optional<std::filesystem::path> beside_;
};

}  // namespace landfall::host
