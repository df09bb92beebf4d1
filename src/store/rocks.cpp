#include "store/rocks.h"

#include <rocksdb/env.h>
#include <rocksdb/table.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "io/files.h"

namespace landfall::store {
namespace {

constexpr std::size_t kMostQueuedBytes = 64 << 20;
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
  return {area_ + (status.IsCorruption() ? "-corrupt" : "-failed"), message, 500};
}

Result<std::unique_ptr<Rocks>> Rocks::open(io::Loop& loop, const std::filesystem::path& folder,
                                           std::string area, std::vector<RocksFamily> families) {
  LF_OK(io::make_directories(folder, 0700));
  std::unique_ptr<Rocks> rocks(new Rocks(loop, folder, std::move(area)));
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_total_wal_size = 32 << 20;
  options.keep_log_file_num = 2;
  options.max_background_jobs = 2;
  // A write that was never acknowledged may be torn at the end; anything else that is damaged is an
  // error.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // What is in memory is in the write-ahead log too; a full disk must not hold the server's end up.
  options.avoid_flush_during_shutdown = true;
  rocks->files_ = std::make_shared<PatientFiles>(rocksdb::FileSystem::Default());
  rocks->env_ = rocksdb::NewCompositeEnv(rocks->files_);
  options.env = rocks->env_.get();
  std::vector<rocksdb::ColumnFamilyDescriptor> all{
      {rocksdb::kDefaultColumnFamilyName, family_options({.name = {}, .buffer_bytes = 64 << 10})}};
  for (const RocksFamily& family : families) all.emplace_back(family.name, family_options(family));
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, folder.string(), all, &rocks->handles_, &db);
  if (!status.ok()) {
    return std::unexpected(rocks->error_of(status, fmt::format("cannot open {}", folder.string())));
  }
  rocks->db_.reset(db);
  rocks->thread_ = std::thread([self = rocks.get()] { self->run(); });
  return rocks;
}

Rocks::~Rocks() {
  if (!db_) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
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

task<Result<void>> Rocks::write(rocksdb::WriteBatch batch) {
  struct Awaiter {
    Rocks& rocks;
    Waiting waiting;
    bool await_ready() noexcept { return false; }
    // The writer's thread may resume this before await_suspend returns, but only through the loop.
    bool await_suspend(std::coroutine_handle<> handle) {
      waiting.waiter = handle;
      {
        std::lock_guard lock(rocks.mutex_);
        if (rocks.queued_bytes_ > kMostQueuedBytes) {
          waiting.result = fail(rocks.area_ + "-busy", "too much waits for the disk", 503);
          return false;
        }
        rocks.queued_bytes_ += waiting.batch.GetDataSize();
        rocks.queue_.push_back(&waiting);
      }
      rocks.changed_.notify_one();
      return true;
    }
    Result<void> await_resume() { return std::move(waiting.result); }
  };
  Awaiter awaiter{*this, {std::move(batch), {}, {}}};
  co_return co_await awaiter;
}

void Rocks::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !queue_.empty() || stopping_; });
    if (queue_.empty()) return;
    std::vector<Waiting*> together;
    std::size_t bytes = 0;
    while (!queue_.empty() && (together.empty() || bytes < kMostTogetherBytes)) {
      bytes += queue_.front()->batch.GetDataSize();
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
  struct Append final : rocksdb::WriteBatch::Handler {
    explicit Append(rocksdb::WriteBatch& to, const std::vector<rocksdb::ColumnFamilyHandle*>& all)
        : to(to), all(all) {}
    rocksdb::Status PutCF(std::uint32_t id, const rocksdb::Slice& key,
                          const rocksdb::Slice& value) override {
      return to.Put(all[id], key, value);
    }
    rocksdb::Status DeleteCF(std::uint32_t id, const rocksdb::Slice& key) override {
      return to.Delete(all[id], key);
    }
    rocksdb::Status DeleteRangeCF(std::uint32_t id, const rocksdb::Slice& begin,
                                  const rocksdb::Slice& end) override {
      return to.DeleteRange(all[id], begin, end);
    }
    rocksdb::Status MergeCF(std::uint32_t id, const rocksdb::Slice& key,
                            const rocksdb::Slice& value) override {
      return to.Merge(all[id], key, value);
    }
    rocksdb::WriteBatch& to;
    const std::vector<rocksdb::ColumnFamilyHandle*>& all;
  };
  rocksdb::WriteBatch joined;
  rocksdb::WriteBatch* batch = &together.front()->batch;
  if (together.size() > 1) {
    std::vector<rocksdb::ColumnFamilyHandle*> by_id;
    for (auto* handle : handles_) {
      if (by_id.size() <= handle->GetID()) by_id.resize(handle->GetID() + 1);
      by_id[handle->GetID()] = handle;
    }
    Append append(joined, by_id);
    for (Waiting* waiting : together) (void)waiting->batch.Iterate(&append);
    batch = &joined;
  }
  if (auto space = check_space(batch->GetDataSize()); !space) {
    for (Waiting* waiting : together) waiting->result = space;
    return;
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  auto status = db_->Write(options, batch);
  if (!status.ok()) {
    // After a failed write RocksDB refuses all others until it is told to go on.
    if (db_->Resume().ok()) status = db_->Write(options, batch);
  }
  if (status.ok()) return;
  if (together.size() > 1) {
    for (Waiting* waiting : together) write_together({waiting});
    return;
  }
  log::warning(area_, "a write failed: {}", status.ToString());
  together.front()->result = std::unexpected(error_of(status, "a write"));
}

}  // namespace landfall::store
