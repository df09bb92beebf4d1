// RocksDB for high-volume data: a folder with column families and one writing thread. What waits
// together shares one fsync; acknowledged means on disk. Included by engines only.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "io/loop.h"
#include "store/patient_files.h"

namespace landfall::store {

struct RocksFamily {
  std::string name;
  std::size_t buffer_bytes = 4 << 20;
  std::shared_ptr<rocksdb::MergeOperator> merge = {};
  std::shared_ptr<rocksdb::CompactionFilterFactory> filter = {};
  // Files are rewritten at least this often, so that the filter sees every row; zero: never.
  std::uint64_t rewrite_s = 0;
};

class Rocks {
 public:
  // `area` names the errors ("metrics-corrupt", "metrics-failed", "metrics-busy") and log lines.
  static Result<std::unique_ptr<Rocks>> open(io::Loop& loop, const std::filesystem::path& folder,
                                             std::string area, std::vector<RocksFamily> families);
  ~Rocks();  // writes what is queued first
  Rocks(const Rocks&) = delete;

  rocksdb::DB& db() { return *db_; }
  // In the order they were given.
  rocksdb::ColumnFamilyHandle* family(std::size_t index) { return handles_[index + 1]; }
  Error error_of(const rocksdb::Status& status, std::string_view what) const;

  // Resumes when the batch is on disk. Errors: "disk-full", "<area>-busy", "<area>-failed".
  task<Result<void>> write(rocksdb::WriteBatch batch);

 private:
  struct Waiting {
    rocksdb::WriteBatch batch;
    Result<void> result;
    std::coroutine_handle<> waiter;
  };
  Rocks(io::Loop& loop, std::filesystem::path folder, std::string area)
      : loop_(loop), folder_(std::move(folder)), area_(std::move(area)) {}
  Result<void> check_space(std::size_t bytes) const;
  void run();
  void write_together(const std::vector<Waiting*>& together);

  io::Loop& loop_;
  std::filesystem::path folder_;
  std::string area_;
  std::shared_ptr<PatientFiles> files_;
  std::unique_ptr<rocksdb::Env> env_;  // made of the files; outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting*> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace landfall::store
