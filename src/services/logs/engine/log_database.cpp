#include "services/logs/engine/log_database.h"

#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "io/files.h"
#include "services/logs/engine/block.h"

namespace landfall::logs {

namespace {
constexpr std::size_t kMostQueuedBytes = 128 << 20;
constexpr std::size_t kMostTogetherBytes = 8 << 20;
// Left free: what others write between the check and our write, and the file system's own needs.
constexpr std::size_t kReserveBytes = 1 << 20;

rocksdb::ColumnFamilyOptions family_options(std::size_t buffer_bytes) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = buffer_bytes;
  options.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16 << 10;
  table.format_version = 5;
  table.checksum = rocksdb::kxxHash64;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}
}  // namespace

Error error_of(const rocksdb::Status& status, std::string_view what) {
  const std::string message = fmt::format("{}: {}", what, status.ToString());
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace) {
    return {"disk-full", message, 500};
  }
  if (status.IsCorruption()) return {"logs-corrupt", message, 500};
  return {"logs-failed", message, 500};
}

Result<std::shared_ptr<LogDatabase>> LogDatabase::open(const std::filesystem::path& folder) {
  LF_OK(io::make_directories(folder, 0700));
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_total_wal_size = 64 << 20;
  options.keep_log_file_num = 2;
  options.max_background_jobs = 2;
  // A write that was never acknowledged may be torn at the end; anything else that is damaged is an
  // error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  const std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, family_options(64 << 10)},
      {"streams", family_options(4 << 20)},
      {"events", family_options(32 << 20)}};
  // What is in memory is in the write-ahead log too; a full disk must not hold the server's end up.
  options.avoid_flush_during_shutdown = true;
  auto database = std::make_shared<LogDatabase>();
  database->folder = folder;
  database->files = std::make_shared<store::PatientFiles>(rocksdb::FileSystem::Default());
  database->env = rocksdb::NewCompositeEnv(database->files);
  options.env = database->env.get();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, folder.string(), families, &handles, &db);
  if (!status.ok()) {
    return std::unexpected(error_of(status, fmt::format("cannot open {}", folder.string())));
  }
  database->db.reset(db);
  database->facts = handles[0];
  database->streams = handles[1];
  database->events = handles[2];
  return database;
}

Result<void> LogDatabase::check_space(std::size_t bytes) const {
  struct statvfs info{};
  if (::statvfs(folder.c_str(), &info) != 0) return {};
  const std::uint64_t free_bytes = std::uint64_t(info.f_bavail) * info.f_frsize;
  // Twice: the write-ahead log and, later, the table.
  if (free_bytes >= 2 * bytes + kReserveBytes) return {};
  return fail("disk-full", fmt::format("{} has {} KiB free", folder.string(), free_bytes >> 10),
              500);
}

LogDatabase::~LogDatabase() {
  if (!db) return;
  files->give_up();
  for (auto* handle : {facts, streams, events}) db->DestroyColumnFamilyHandle(handle);
  db->Close();
}

LogWriter::LogWriter(io::Loop& loop, std::shared_ptr<LogDatabase> database, std::uint64_t sequence)
    : loop_(loop), database_(std::move(database)), sequence_(sequence) {
  thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

task<Result<void>> LogWriter::write(Fill fill, std::size_t bytes) {
  struct Awaiter {
    LogWriter& writer;
    Waiting waiting;
    bool await_ready() noexcept { return false; }
    // The writer's thread may resume this before await_suspend returns, but only through the loop.
    bool await_suspend(std::coroutine_handle<> handle) {
      waiting.waiter = handle;
      {
        std::lock_guard lock(writer.mutex_);
        if (writer.queued_bytes_ > kMostQueuedBytes) {
          waiting.result = fail("logs-busy", "too many log events wait for the disk", 503);
          return false;
        }
        writer.queued_bytes_ += waiting.bytes;
        writer.queue_.push_back(&waiting);
      }
      writer.changed_.notify_one();
      return true;
    }
    Result<void> await_resume() { return std::move(waiting.result); }
  };
  Awaiter awaiter{*this, {std::move(fill), bytes, {}, {}}};
  co_return co_await awaiter;
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !queue_.empty() || stopping_; });
    if (queue_.empty()) return;
    std::vector<Waiting*> together;
    std::size_t bytes = 0;
    while (!queue_.empty() &&
           (together.empty() || bytes + queue_.front()->bytes < kMostTogetherBytes)) {
      bytes += queue_.front()->bytes;
      together.push_back(queue_.front());
      queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    lock.unlock();
    write_together(together);
    loop_.post([together = std::move(together)] {
      for (Waiting* waiting : together) waiting->waiter.resume();
    });
    lock.lock();
  }
}

void LogWriter::write_together(const std::vector<Waiting*>& together) {
  std::size_t bytes = 0;
  for (const Waiting* waiting : together) bytes += waiting->bytes;
  if (auto space = database_->check_space(bytes); !space) {
    for (Waiting* waiting : together) waiting->result = space;
    return;
  }
  rocksdb::WriteBatch batch;
  for (Waiting* waiting : together) waiting->fill(batch, sequence_);
  std::string sequence;
  put_number(sequence, sequence_);
  rocksdb::WriteOptions options;
  options.sync = true;
  batch.Put(database_->facts, "sequence", sequence);
  auto status = database_->db->Write(options, &batch);
  if (!status.ok()) {
    // After a failed write RocksDB refuses all others until it is told to go on.
    if (database_->db->Resume().ok()) status = database_->db->Write(options, &batch);
  }
  if (status.ok()) return;
  if (together.size() > 1) {
    for (Waiting* waiting : together) write_together({waiting});
    return;
  }
  log::warning("logs", "a write failed: {}", status.ToString());
  together.front()->result = std::unexpected(error_of(status, "log events"));
}

}  // namespace landfall::logs
