#include "store/rocks.h"

#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "io/files.h"

namespace landfall::store {
namespace {

constexpr std::size_t kMostTogetherBytes = 8 << 20;
// Left free: what others write between the check and our write, and the file system's own needs.
constexpr std::size_t kReserveBytes = 1 << 20;

rocksdb::ColumnFamilyOptions family_options(const RocksFamily& family) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = family.buffer_bytes;
  options.compression = rocksdb::kLZ4Compression;
  options.merge_operator = family.merge;
  options.compaction_filter_factory = family.filter;
  if (family.rewrite_s != 0) options.periodic_compaction_seconds = family.rewrite_s;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16 << 10;
  table.format_version = 5;
  table.checksum = rocksdb::kxxHash64;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

Error Rocks::error_of(const rocksdb::Status& status, std::string_view what) const {
  const std::string message = fmt::format("{}: {}", what, status.ToString());
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace) {
    return {"disk-full", message, 500};
  }
  return {options_.area + (status.IsCorruption() ? "-corrupt" : "-failed"), message, 500};
}

Result<std::shared_ptr<Rocks>> Rocks::open(io::Loop& loop, const std::filesystem::path& folder,
                                           RocksOptions settings) {
  LF_OK(io::make_directories(folder, 0700));
  std::shared_ptr<Rocks> rocks(new Rocks(loop, folder, std::move(settings)));
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_total_wal_size = rocks->options_.most_wal_bytes;
  options.keep_log_file_num = 2;
  options.max_background_jobs = 2;
  // A write that was never acknowledged may be torn at the end; anything else that is damaged is an
  // error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What is in memory is in the write-ahead log too; a full disk must not hold the server's end up.
  options.avoid_flush_during_shutdown = true;
  rocks->files_ = std::make_shared<PatientFiles>(rocks->options_.files);
  rocks->env_ = rocksdb::NewCompositeEnv(rocks->files_);
  options.env = rocks->env_.get();
  std::vector<rocksdb::ColumnFamilyDescriptor> all{
      {rocksdb::kDefaultColumnFamilyName, family_options({.name = {}, .buffer_bytes = 64 << 10})}};
  for (const RocksFamily& family : rocks->options_.families) {
    all.emplace_back(family.name, family_options(family));
  }
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, folder.string(), all, &rocks->handles_, &db);
  if (!status.ok()) {
    return std::unexpected(rocks->error_of(status, fmt::format("cannot open {}", folder.string())));
  }
  rocks->db_.reset(db);
  rocks->thread_ = std::thread([self = rocks.get()] { self->run(); });
  return rocks;
}

void Rocks::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Rocks::~Rocks() {
  if (!db_) return;
  stop();
  files_->give_up();
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

Result<void> Rocks::check_space(std::size_t bytes) const {
  struct statvfs info{};
  if (::statvfs(folder_.c_str(), &info) != 0) return {};
  const std::uint64_t free_bytes = std::uint64_t(info.f_bavail) * info.f_frsize;
  // Twice: the write-ahead log and, later, the table.
  if (free_bytes >= 2 * bytes + kReserveBytes) return {};
  return fail("disk-full", fmt::format("{} has {} KiB free", folder_.string(), free_bytes >> 10),
              500);
}

task<Result<void>> Rocks::write(Fill fill, std::size_t bytes) {
  struct Awaiter {
    Rocks& rocks;
    Waiting waiting;
    bool await_ready() noexcept { return false; }
    // The writer's thread may resume this before await_suspend returns, but only through the loop.
    bool await_suspend(std::coroutine_handle<> handle) {
      waiting.waiter = handle;
      {
        std::lock_guard lock(rocks.mutex_);
        if (rocks.stopping_) {
          waiting.result = fail(rocks.options_.area + "-failed", "the server ends", 503);
          return false;
        }
        if (rocks.queued_bytes_ > rocks.options_.most_queued_bytes) {
          waiting.result = fail(rocks.options_.area + "-busy", "too much waits for the disk", 503);
          return false;
        }
        rocks.queued_bytes_ += waiting.bytes;
        rocks.queue_.push_back(&waiting);
      }
      rocks.changed_.notify_one();
      return true;
    }
    Result<void> await_resume() { return std::move(waiting.result); }
  };
  Awaiter awaiter{*this, {std::move(fill), bytes, {}, {}}};
  co_return co_await awaiter;
}

void Rocks::run() {
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

void Rocks::write_together(const std::vector<Waiting*>& together) {
  rocksdb::WriteBatch batch;
  for (Waiting* waiting : together) waiting->fill(batch);
  if (options_.last) options_.last(batch);
  rocksdb::Status status;
  auto space = check_space(batch.GetDataSize());
  if (space) {
    rocksdb::WriteOptions options;
    options.sync = true;
    status = db_->Write(options, &batch);
    if (!status.ok()) {
      // After a failed write RocksDB refuses all others until it is told to go on. After a failed
      // sync it cannot be told: what is in the page cache then says nothing about the disk.
      if (db_->Resume().ok()) status = db_->Write(options, &batch);
    }
    if (status.ok()) return;
  }
  // A small one may find the room that all of them do not.
  if (together.size() > 1) {
    for (Waiting* waiting : together) write_together({waiting});
    return;
  }
  if (!space) {
    together.front()->result = std::move(space);
    return;
  }
  log::warning(options_.area, "a write failed: {}", status.ToString());
  together.front()->result = std::unexpected(error_of(status, "a write"));
}

}  // namespace landfall::store
