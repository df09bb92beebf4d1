// For tests: a file layer for SQLite that fails when told to, and that can lose power. What was
// written but not synced is then partly lost, as on a real disk: any part of it may have reached
// the plate, in units of 512 bytes.
//
//   FaultyVfs vfs("faulty");  open_sqlite(..., {.vfs = "faulty"});
//   vfs.cut_power(random);    // from now on everything fails; close the store
//   vfs.restore();            // files as the disk has them; open the store again
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "base/random.h"
#include "io/files.h"

namespace landfall::store {

class FaultyVfs {
 public:
  explicit FaultyVfs(const char* name) : base_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *base_;
    vfs_.zName = name;
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + base_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~FaultyVfs() { sqlite3_vfs_unregister(&vfs_); }
  FaultyVfs(const FaultyVfs&) = delete;

  // The n-th write or sync from now on, and all after it, fail with SQLITE_FULL or
  // SQLITE_IOERR_FSYNC; -1: none.
  void fail_writes_after(int count) { set(fail_write_, count); }
  void fail_syncs_after(int count) { set(fail_sync_, count); }

  void cut_power(Random& random) {
    std::lock_guard lock(mutex_);
    dead_ = true;
    for (auto& [path, disk] : disks_) {
      for (Change& change : disk.unsynced) {
        // A file's size may or may not have been written; each sector may or may not.
        for (std::size_t at = 0; at < change.bytes.size(); at += 512) {
          if (random.below(2) == 0) continue;
          apply(disk, change.offset + static_cast<std::int64_t>(at), change.bytes.substr(at, 512));
        }
        if (change.truncate && random.below(2) == 0) {
          disk.content.resize(static_cast<std::size_t>(change.offset));
        }
      }
      disk.unsynced.clear();
    }
  }

  void restore() {
    std::lock_guard lock(mutex_);
    for (auto& [path, disk] : disks_) {
      if (disk.removed) {
        std::filesystem::remove(path);
      } else {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << disk.content;
      }
    }
    disks_.clear();
    dead_ = false;
  }

 private:
  struct Change {
    std::int64_t offset = 0;
    std::string bytes;
    bool truncate = false;
  };
  struct Disk {
    std::string content;  // that survives a loss of power
    std::vector<Change> unsynced;
    bool removed = false;
  };
  struct File {
    sqlite3_file base;
    FaultyVfs* vfs;
    std::string* path;  // null: a temporary file, which no crash needs
    sqlite3_file* real;
  };

  static FaultyVfs& of(sqlite3_vfs* vfs) { return *static_cast<FaultyVfs*>(vfs->pAppData); }
  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return of(file).real; }
  void set(int& what, int count) {
    std::lock_guard lock(mutex_);
    what = count;
  }
  // With the lock held.
  static bool counts_down(int& left) {
    if (left < 0) return false;
    if (left > 0) --left;
    return left == 0;
  }
  static void apply(Disk& disk, std::int64_t offset, std::string_view bytes) {
    const auto end = static_cast<std::size_t>(offset) + bytes.size();
    if (disk.content.size() < end) disk.content.resize(end);
    disk.content.replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
  }
  static void sync(Disk& disk) {
    for (const Change& change : disk.unsynced) {
      if (change.truncate) {
        disk.content.resize(static_cast<std::size_t>(change.offset));
      } else {
        apply(disk, change.offset, change.bytes);
      }
    }
    disk.unsynced.clear();
  }

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags, int* got) {
    FaultyVfs& self = of(vfs);
    auto* file = new (out) File{};
    file->vfs = &self;
    file->real = reinterpret_cast<sqlite3_file*>(file + 1);
    const bool is_new = path == nullptr || !std::filesystem::exists(path);
    const int code = self.base_->xOpen(self.base_, path, file->real, flags, got);
    if (code != SQLITE_OK) return code;
    static const sqlite3_io_methods kMethods = methods();
    file->base.pMethods = &kMethods;
    if (path == nullptr) return code;
    file->path = new std::string(path);
    std::lock_guard lock(self.mutex_);
    auto [it, added] = self.disks_.try_emplace(*file->path);
    if (is_new) {
      it->second = {};
    } else if (added) {
      std::stringstream content;
      content << std::ifstream(path, std::ios::binary).rdbuf();
      it->second.content = content.str();
    }
    it->second.removed = false;
    return code;
  }

  // A removal survives only when the folder is synced; SQLite asks for that where it matters.
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
    FaultyVfs& self = of(vfs);
    std::lock_guard lock(self.mutex_);
    if (self.dead_) return SQLITE_IOERR_DELETE;
    if (auto found = self.disks_.find(path); found != self.disks_.end() && sync_folder != 0) {
      found->second.removed = true;
      found->second.content.clear();
      found->second.unsynced.clear();
    }
    return self.base_->xDelete(self.base_, path, sync_folder);
  }

  static int close(sqlite3_file* file) {
    const int code = real(file)->pMethods->xClose(real(file));
    delete of(file).path;
    return code;
  }

  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    FaultyVfs& self = *of(file).vfs;
    std::lock_guard lock(self.mutex_);
    if (self.dead_) return SQLITE_IOERR_WRITE;
    if (counts_down(self.fail_write_)) return SQLITE_FULL;
    if (of(file).path != nullptr) {
      self.disks_[*of(file).path].unsynced.push_back(
          {offset, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))});
    }
    return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
  }

  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    FaultyVfs& self = *of(file).vfs;
    std::lock_guard lock(self.mutex_);
    if (self.dead_) return SQLITE_IOERR_TRUNCATE;
    if (of(file).path != nullptr) {
      self.disks_[*of(file).path].unsynced.push_back({size, {}, true});
    }
    return real(file)->pMethods->xTruncate(real(file), size);
  }

  static int sync_file(sqlite3_file* file, int flags) {
    FaultyVfs& self = *of(file).vfs;
    std::lock_guard lock(self.mutex_);
    if (self.dead_ || counts_down(self.fail_sync_)) return SQLITE_IOERR_FSYNC;
    if (of(file).path != nullptr) sync(self.disks_[*of(file).path]);
    (void)flags;  // in place of the disk's own: nothing here survives by it
    return SQLITE_OK;
  }

  static sqlite3_io_methods methods() {
    sqlite3_io_methods m{};
    m.iVersion = 2;
    m.xClose = close;
    m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 offset) {
      return real(f)->pMethods->xRead(real(f), to, size, offset);
    };
    m.xWrite = write;
    m.xTruncate = truncate;
    m.xSync = sync_file;
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return real(f)->pMethods->xFileSize(real(f), size);
    };
    m.xLock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); };
    m.xUnlock = [](sqlite3_file* f, int level) {
      return real(f)->pMethods->xUnlock(real(f), level);
    };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return real(f)->pMethods->xCheckReservedLock(real(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
      return real(f)->pMethods->xFileControl(real(f), op, argument);
    };
    m.xSectorSize = [](sqlite3_file*) { return 512; };
    // Nothing is promised that the shim does not keep.
    m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int count, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) {
      return real(f)->pMethods->xShmUnmap(real(f), remove);
    };
    return m;
  }

  sqlite3_vfs* base_;
  sqlite3_vfs vfs_{};
  std::mutex mutex_;
  std::map<std::string, Disk> disks_;
  bool dead_ = false;
  int fail_write_ = -1;
  int fail_sync_ = -1;
};

}  // namespace landfall::store
