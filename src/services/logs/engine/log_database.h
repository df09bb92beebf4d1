// The tables of the engine in RocksDB. Included by engine/*.cpp only.
#pragma once

#include "store/rocks.h"

namespace landfall::logs {

struct LogDatabase {
  // `files`: of tests, which break them.
  static Result<std::shared_ptr<LogDatabase>> open(
      io::Loop& loop, const std::filesystem::path& folder,
      std::shared_ptr<rocksdb::FileSystem> files = rocksdb::FileSystem::Default());

  rocksdb::DB& db() { return rocks->db(); }
  rocksdb::ColumnFamilyHandle* streams() { return rocks->family(0); }  // group, name -> Stream
  // stream, time of the first event, sequence -> block
  rocksdb::ColumnFamilyHandle* events() { return rocks->family(1); }
  Error error_of(const rocksdb::Status& status, std::string_view what) const {
    return rocks->error_of(status, what);
  }

  // Of the next block. The writer's thread's own; kept with every batch.
  std::uint64_t sequence = 1;
  std::shared_ptr<store::Rocks> rocks;  // the last member: its thread uses the others
};

}  // namespace landfall::logs
