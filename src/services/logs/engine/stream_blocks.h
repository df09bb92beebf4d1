// The blocks of one stream, and the state of the database that they are read from. Included by
// engine/*.cpp only.
#pragma once

#include "services/logs/engine/block.h"
#include "services/logs/engine/log_database.h"

namespace landfall::logs {

// The blocks of one stream in one direction.
class StreamBlocks {
 public:
  StreamBlocks(LogDatabase& database, const rocksdb::Snapshot* snapshot, std::int64_t stream) {
    put_number(lower_, static_cast<std::uint64_t>(stream));
    put_number(upper_, static_cast<std::uint64_t>(stream) + 1);
    lower_bound_ = lower_;
    upper_bound_ = upper_;
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.iterate_lower_bound = &lower_bound_;
    options.iterate_upper_bound = &upper_bound_;
    options.fill_cache = false;
    options.readahead_size = 1 << 20;
    iterator_.reset(database.db().NewIterator(options, database.events()));
  }

  // To the first block that begins at `time_ms` or later.
  void seek(std::int64_t time_ms) { iterator_->Seek(key_at(std::max<std::int64_t>(time_ms, 0))); }
  // To the last block that begins at `time_ms` or earlier.
  void seek_back(std::int64_t time_ms) {
    iterator_->SeekForPrev(key_at(time_ms) + std::string(8, '\xff'));
  }
  bool valid() const { return iterator_->Valid(); }
  void next() { iterator_->Next(); }
  void previous() { iterator_->Prev(); }
  std::int64_t first_ms() const {
    return static_cast<std::int64_t>(number_at({iterator_->key().data(), 24}, 8));
  }
  std::uint64_t sequence() const { return number_at({iterator_->key().data(), 24}, 16); }
  std::string_view block() const { return {iterator_->value().data(), iterator_->value().size()}; }
  rocksdb::Status status() const { return iterator_->status(); }

 private:
  std::string key_at(std::int64_t time_ms) const {
    std::string key = lower_;
    put_number(key, static_cast<std::uint64_t>(time_ms));
    return key;
  }
  std::string lower_, upper_;
  rocksdb::Slice lower_bound_, upper_bound_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// Holds what RocksDB must not delete while a search reads it.
class SnapshotHolder {
 public:
  explicit SnapshotHolder(LogDatabase& database)
      : database_(database), snapshot_(database.db().GetSnapshot()) {}
  ~SnapshotHolder() { database_.db().ReleaseSnapshot(snapshot_); }
  SnapshotHolder(const SnapshotHolder&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  LogDatabase& database_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace landfall::logs
