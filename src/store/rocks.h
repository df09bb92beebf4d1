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

struct RocksOptions {
  // Names the errors ("metrics-corrupt", "metrics-failed", "metrics-busy") and log lines.
  std::string area;
  std::vector<RocksFamily> families;
  std::uint64_t most_wal_bytes = 32 << 20;
  std::size_t most_queued_bytes = 64 << 20;
  // Adds to every batch before it is written, after all that it is made of. On the writer's thread.
  std::function<void(rocksdb::WriteBatch& batch)> last = {};
  // Of tests, which break it.
  std::shared_ptr<rocksdb::FileSystem> files = rocksdb::FileSystem::Default();
};

class Rocks {
 public:
  // Adds to a batch, on the writer's thread; in the order of the calls of write(). Called again
  // when what it shared a batch with could not be written together.
  using Fill = std::function<void(rocksdb::WriteBatch& batch)>;

  static Result<std::shared_ptr<Rocks>> open(io::Loop& loop, const std::filesystem::path& folder,
                                             RocksOptions options);
  ~Rocks();  // stops
  Rocks(const Rocks&) = delete;

  // Writes what is queued. Afterwards write() answers "<area>-failed"; reading goes on, also when
  // the loop is gone.
  void stop();

  rocksdb::DB& db() { return *db_; }
  // In the order they were given.
  rocksdb::ColumnFamilyHandle* family(std::size_t index) { return handles_[index + 1]; }
  // For a few small values.
  rocksdb::ColumnFamilyHandle* facts() { return handles_[0]; }
  Error error_of(const rocksdb::Status& status, std::string_view what) const;

  // Resumes when it is on disk. `bytes`: about how much it will write. Errors: "disk-full",
  // "<area>-busy", "<area>-failed". After an error what was to be written is not read, but may be
  // there after a crash.
  task<Result<void>> write(Fill fill, std::size_t bytes);

 private:
  struct Waiting {
    Fill fill;
    std::size_t bytes = 0;
    Result<void> result;
    std::coroutine_handle<> waiter;
  };
  Rocks(io::Loop& loop, std::filesystem::path folder, RocksOptions options)
      : loop_(loop), folder_(std::move(folder)), options_(std::move(options)) {}
  Result<void> check_space(std::size_t bytes) const;
  void run();
  void write_together(const std::vector<Waiting*>& together);

  io::Loop& loop_;
  std::filesystem::path folder_;
  RocksOptions options_;
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
