// Block volumes: sparse files that hold a file system of their own, so that a size is a limit and a
// snapshot is a file. Databases live on them; instances will too.
//
// On disk, below `root`: volumes/<id>.img, snapshots/<id>.img, mounts/<id>/. Nothing about a volume
// lives only in this process, and every call may be repeated after a crash at any point.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "io/loop.h"

namespace landfall::host {

struct VolumeUsage {
  std::uint64_t size_bytes = 0;  // of the file system
  std::uint64_t free_bytes = 0;
};

class Volumes {
 public:
  // `root` is made when missing. Ids are letters, digits and '-'.
  Volumes(io::Loop& loop, std::filesystem::path root);

  // Thaws volumes that a crash left frozen and removes half-made files. Call once before use.
  task<Result<void>> recover();

  // Errors: "disk-full", "program-missing", "volume-failed". An existing volume is left as it is.
  task<Result<void>> create(std::string id, std::uint64_t size_bytes);
  // A new volume with a snapshot's content, grown to `size_bytes`. Error "not-found".
  task<Result<void>> create_from_snapshot(std::string id, std::string snapshot,
                                          std::uint64_t size_bytes);
  // The folder where the volume's content is. Mounted already: success. Error "not-found".
  task<Result<std::filesystem::path>> mount(std::string id);
  task<Result<void>> unmount(std::string id);
  // Before the folder is removed.
  task<Result<void>> unmount_all();
  // Larger; smaller or equal is success without effect. A mounted volume can grow only where the
  // kernel lets us (CAP_SYS_RESOURCE), otherwise the error is "needs-unmount".
  task<Result<void>> grow(std::string id, std::uint64_t size_bytes);
  // Unmounts and deletes; absent is success.
  task<Result<void>> remove(std::string id);

  // A copy of the volume as it is at one moment: a mounted one stands still meanwhile, its writers
  // wait. An existing snapshot is left as it is. Errors: "not-found", "disk-full", "volume-failed".
  task<Result<void>> snapshot(std::string id, std::string snapshot);
  task<Result<void>> remove_snapshot(std::string snapshot);

  bool exists(const std::string& id) const;
  bool snapshot_exists(const std::string& snapshot) const;
  bool mounted(const std::string& id) const;
  std::uint64_t size_bytes(const std::string& id) const;   // as created or grown; 0: no such volume
  Result<VolumeUsage> usage(const std::string& id) const;  // error "not-mounted"
  std::vector<std::string> list() const;
  std::vector<std::string> list_snapshots() const;

 private:
  std::filesystem::path image(const std::string& id) const {
    return root_ / "volumes" / (id + ".img");
  }
  std::filesystem::path snapshot_image(const std::string& id) const {
    return root_ / "snapshots" / (id + ".img");
  }
  std::filesystem::path mount_point(const std::string& id) const { return root_ / "mounts" / id; }
  task<Result<void>> copy(std::filesystem::path from, std::filesystem::path to);

  io::Loop& loop_;
  std::filesystem::path root_;
};

}  // namespace landfall::host
