// Block volumes: sparse files that hold a file system of their own, so that a size is a limit and a
// snapshot is a file. Databases live on them; instances will too.
//
// On disk, below `root`: volumes/<id>.img, snapshots/<id>.img, mounts/<id>/, copies/ (at work).
// Nothing about a volume lives only in this process, and every call may be repeated after a crash
// at any point.
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

// Since the volume was mounted.
struct VolumeTraffic {
  std::uint64_t reads = 0, read_bytes = 0, read_ms = 0;
  std::uint64_t writes = 0, written_bytes = 0, write_ms = 0;
  std::uint64_t queue_ms = 0;  // the waiting of all requests, added up
};

struct VolumeKind {
  bool encrypted = false;    // can be used with mount_encrypted
  bool large_files = false;  // few and large ones: a large volume takes little room while empty
};

class Volumes {
 public:
  // `root` is made when missing. Ids are letters, digits and '-'.
  Volumes(io::Loop& loop, std::filesystem::path root);

  // Thaws volumes that a crash left frozen and removes half-made files. Call once before use.
  task<Result<void>> recover();

  // Tries out on a small volume whether this machine encrypts; once, the answer is kept. Error
  // "encryption-unavailable" says what is missing.
  task<Result<void>> probe_encryption();

  // Errors: "disk-full", "program-missing", "volume-failed". An existing volume is left as it is.
  task<Result<void>> create(std::string id, std::uint64_t size_bytes, VolumeKind kind = {});
  // A new volume with a snapshot's content, grown to `size_bytes`. Error "not-found".
  task<Result<void>> create_from_snapshot(std::string id, std::string snapshot,
                                          std::uint64_t size_bytes);
  // The folder where the volume's content is. Mounted already: success. Error "not-found".
  task<Result<std::filesystem::path>> mount(std::string id);
  // The folder whose content is encrypted (see encryption.h). Also repeats what a crash cut off
  // after the mount. Errors: "not-found", "wrong-key", "encryption-unavailable".
  task<Result<std::filesystem::path>> mount_encrypted(std::string id, std::string key);
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
  // Another snapshot with the same bytes, so under the same key. Errors as snapshot().
  task<Result<void>> copy_snapshot(std::string from, std::string to);
  // Another snapshot with the same files, encrypted under a key of its own. `from_key` empty: the
  // other is not encrypted. Errors as snapshot() and mount_encrypted().
  task<Result<void>> encrypt_snapshot(std::string from, std::string from_key, std::string to,
                                      std::string to_key);

  bool exists(const std::string& id) const;
  bool snapshot_exists(const std::string& snapshot) const;
  bool mounted(const std::string& id) const;
  bool unlocked(const std::string& id) const;              // mounted, and its key is there
  std::uint64_t size_bytes(const std::string& id) const;   // as created or grown; 0: no such volume
  Result<VolumeUsage> usage(const std::string& id) const;  // error "not-mounted"
  Result<VolumeTraffic> traffic(const std::string& id) const;  // error "not-mounted", errno-*
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
  task<Result<void>> copy(std::filesystem::path from, std::filesystem::path to, bool clean = true);
  task<Result<void>> format(std::filesystem::path image, std::uint64_t size_bytes, VolumeKind kind);
  task<Result<void>> try_encryption(std::filesystem::path folder, std::filesystem::path image);
  task<Result<void>> copy_files(std::filesystem::path from_image, std::string from_key,
                                std::filesystem::path to_image, std::string to_key,
                                std::filesystem::path folder);
  task<void> end_copies();
  task<void> end_copy(std::filesystem::path folder);

  io::Loop& loop_;
  std::filesystem::path root_;
  std::optional<Result<void>> encrypts_;
  int probes_ = 0;
};

}  // namespace landfall::host
