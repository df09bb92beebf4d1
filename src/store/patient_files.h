// RocksDB's files, on a disk that may fill up: a write that finds no space waits for some, and is
// never half done.
//
// RocksDB itself takes a failed write as the end of that file; the build of Debian aborts the
// process at the next use of it. Nothing of that reaches RocksDB: whoever writes here checks first
// that there is space (the writers of rocks.h and of the logs do), so the wait is for what comes
// between the check and the write.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>

namespace landfall::store {

class PatientFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit PatientFiles(std::shared_ptr<rocksdb::FileSystem> files)
      : rocksdb::FileSystemWrapper(std::move(files)) {}

  // The server ends: writes that still wait fail now.
  void give_up() { given_up_ = true; }

  const char* Name() const override { return "PatientFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;

 private:
  std::atomic<bool> given_up_ = false;
};

}  // namespace landfall::store
