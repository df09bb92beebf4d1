// For tests: RocksDB's files on a disk that fails when told to, and that can lose power. What was
// written but not synced is then partly lost, as on a real disk.
//
//   auto files = std::make_shared<FaultyFiles>();  Rocks::open(..., {.files = files});
//   files->cut_power();       // from now on everything fails; close the database
//   files->restore(random);   // files as the disk has them; open it again
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/random.h"

namespace landfall::store {

class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFiles() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultyFiles"; }

  // This sync from now on fails, and what it was to keep is lost with the power; 0: none.
  void fail_sync_number(int number) { fail_sync_ = number; }
  void cut_power() { dead_ = true; }
  // After this many more bytes.
  void cut_power_after(std::int64_t bytes) { bytes_left_ = bytes; }
  int syncs() const { return syncs_; }

  void restore(Random& random) {
    std::lock_guard lock(mutex_);
    for (const auto& [path, sizes] : sizes_) {
      if (sizes.written <= sizes.synced || !std::filesystem::exists(path)) continue;
      const std::uint64_t kept = sizes.synced + random.below(sizes.written - sizes.synced + 1);
      std::filesystem::resize_file(path, kept);
    }
    sizes_.clear();
    bytes_left_ = std::numeric_limits<std::int64_t>::max();
    fail_sync_ = 0;
    dead_ = false;
  }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    if (dead_) return rocksdb::IOStatus::IOError("no power");
    auto status = target()->NewWritableFile(path, options, file, debug);
    if (!status.ok()) return status;
    std::lock_guard lock(mutex_);
    sizes_[path] = {};
    *file = std::make_unique<File>(std::move(*file), path, *this);
    return status;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (dead_) return rocksdb::IOStatus::IOError("no power");
    auto status = target()->RenameFile(from, to, options, debug);
    std::lock_guard lock(mutex_);
    if (auto node = sizes_.extract(from); node && status.ok()) {
      node.key() = to;
      sizes_.erase(to);
      sizes_.insert(std::move(node));
    }
    return status;
  }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    if (dead_) return rocksdb::IOStatus::IOError("no power");
    return target()->DeleteFile(path, options, debug);
  }

 private:
  struct Sizes {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
  };
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, FaultyFiles& disk)
        : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), disk_(disk) {}
    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override {
      if (disk_.dead_) return rocksdb::IOStatus::IOError("no power");
      const auto size = static_cast<std::int64_t>(data.size());
      const std::int64_t left = disk_.bytes_left_.fetch_sub(size);
      const rocksdb::Slice part(data.data(),
                                static_cast<std::size_t>(std::clamp<std::int64_t>(left, 0, size)));
      auto status = FSWritableFileOwnerWrapper::PositionedAppend(part, offset, options, debug);
      {
        std::lock_guard lock(disk_.mutex_);
        disk_.sizes_[path_].written = offset + part.size();
      }
      if (left > size) return status;
      disk_.dead_ = true;
      return rocksdb::IOStatus::IOError("no power");
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
      return keep();
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
      return keep();
    }
    bool IsSyncThreadSafe() const override { return true; }

   private:
    // Nothing of a test need reach the plate.
    rocksdb::IOStatus keep() {
      if (disk_.dead_) return rocksdb::IOStatus::IOError("no power");
      ++disk_.syncs_;
      if (disk_.fail_sync_ > 0 && --disk_.fail_sync_ == 0) {
        return rocksdb::IOStatus::IOError("a failed sync");
      }
      std::lock_guard lock(disk_.mutex_);
      Sizes& sizes = disk_.sizes_[path_];
      sizes.synced = sizes.written;
      return rocksdb::IOStatus::OK();
    }
    std::string path_;
    FaultyFiles& disk_;
  };

  std::atomic<bool> dead_ = false;
  std::atomic<std::int64_t> bytes_left_ = std::numeric_limits<std::int64_t>::max();
  std::atomic<int> fail_sync_ = 0;
  std::atomic<int> syncs_ = 0;
  std::mutex mutex_;
  std::map<std::string, Sizes> sizes_;
};

}  // namespace landfall::store
