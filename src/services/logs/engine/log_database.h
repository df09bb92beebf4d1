// The RocksDB database of the engine: column families, the thread that writes, and errors in our
// words. Included by engine/*.cpp only.
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

namespace landfall::logs {

Error error_of(const rocksdb::Status& status, std::string_view what);

struct LogDatabase {
  static Result<std::shared_ptr<LogDatabase>> open(const std::filesystem::path& folder);
  ~LogDatabase();

  // Error "disk-full" unless there is room for a write of this size.
  Result<void> check_space(std::size_t bytes) const;

  std::filesystem::path folder;
  std::shared_ptr<store::PatientFiles> files;
  std::unique_ptr<rocksdb::Env> env;  // made of the files; outlives db
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* facts = nullptr;    // "sequence"
  rocksdb::ColumnFamilyHandle* streams = nullptr;  // group, name -> Stream
  rocksdb::ColumnFamilyHandle* events =
      nullptr;  // stream, time of the first event, sequence -> block
};

// Runs on the writer's thread; numbers are the next block sequences.
using Fill = std::function<void(rocksdb::WriteBatch& batch, std::uint64_t& sequence)>;

class LogWriter {
 public:
  LogWriter(io::Loop& loop, std::shared_ptr<LogDatabase> database, std::uint64_t sequence);
  ~LogWriter();
  // Resumes when it is on disk. `bytes`: about how much it will write.
  task<Result<void>> write(Fill fill, std::size_t bytes);

 private:
  struct Waiting {
    Fill fill;
    std::size_t bytes = 0;
    Result<void> result;
    std::coroutine_handle<> waiter;
  };
  void run();
  void write_together(const std::vector<Waiting*>& together);

  io::Loop& loop_;
  std::shared_ptr<LogDatabase> database_;
  std::uint64_t sequence_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting*> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace landfall::logs
