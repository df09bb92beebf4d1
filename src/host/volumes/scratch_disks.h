// Disks that live no longer than what uses them: a sparse file with a file system of its own, so
// that a size is a limit. Nothing is synced and there is no journal: after the machine has gone
// down, whatever used the disk is gone too, and the disk is only removed.
//
// On disk, below `root`: <id>.img and <id>/, where it is mounted. Nothing about a disk lives only
// in this process, and every call may be repeated after a crash at any point.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "io/loop.h"

namespace landfall::host {

struct DiskUsage {
  std::uint64_t size_bytes = 0;
  std::uint64_t used_bytes = 0;
};

class ScratchDisks {
 public:
  ScratchDisks(io::Loop& loop, std::filesystem::path root) : loop_(loop), root_(std::move(root)) {}

  // The folder where its content is. A disk that is mounted is left as it is, any other is made
  // anew. Ids are letters, digits and '-'. Errors: "disk-full", "program-missing", "volume-failed".
  task<Result<std::filesystem::path>> make(std::string id, std::uint64_t size_bytes);
  // Absent is success. Error "volume-failed": something still has a file open there.
  task<Result<void>> remove(std::string id);

  bool mounted(const std::string& id) const;
  std::filesystem::path folder(const std::string& id) const { return root_ / id; }
  Result<DiskUsage> usage(const std::string& id) const;  // error "not-mounted"
  std::vector<std::string> list() const;

 private:
  io::Loop& loop_;
  std::filesystem::path root_;
};

}  // namespace landfall::host
