#include "services/logs/engine/log_database.h"

#include "services/logs/engine/block.h"

namespace landfall::logs {

Result<std::shared_ptr<LogDatabase>> LogDatabase::open(io::Loop& loop,
                                                       const std::filesystem::path& folder,
                                                       std::shared_ptr<rocksdb::FileSystem> files) {
  auto database = std::make_shared<LogDatabase>();
  LogDatabase& opened = *database;
  store::RocksOptions options{
      .area = "logs",
      .families = {{.name = "streams"}, {.name = "events", .buffer_bytes = 32 << 20}},
      .most_wal_bytes = 64 << 20,
      .most_queued_bytes = 128 << 20,
      .last =
          [&opened](rocksdb::WriteBatch& batch) {
            std::string next;
            put_number(next, opened.sequence);
            batch.Put(opened.rocks->facts(), "sequence", next);
          },
      .files = std::move(files),
  };
  LF_TRY(rocks, store::Rocks::open(loop, folder, std::move(options)));
  database->rocks = std::move(rocks);
  std::string kept;
  const auto status =
      opened.db().Get(rocksdb::ReadOptions(), opened.rocks->facts(), "sequence", &kept);
  if (!status.ok() && !status.IsNotFound()) {
    return std::unexpected(opened.error_of(status, "the last sequence"));
  }
  if (kept.size() == 8) opened.sequence = number_at(kept, 0);
  return database;
}

}  // namespace landfall::logs
