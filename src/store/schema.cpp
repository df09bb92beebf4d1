#include "store/schema.h"

namespace landfall::store {

namespace {

constexpr std::int64_t kApplicationId = 0x4c465354;  // "LFST"

// history keeps whole values on both sides of a change, so that a watch can start in the past after
// a restart.
constexpr const char* kTables = R"sql(
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('revision', 0), ('compacted', 0);
  CREATE TABLE pairs (
    key BLOB PRIMARY KEY, value BLOB NOT NULL, create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL, version INTEGER NOT NULL, lease INTEGER NOT NULL);
  CREATE INDEX pairs_lease ON pairs (lease) WHERE lease != 0;
  CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, removed INTEGER NOT NULL,
    key BLOB NOT NULL, value BLOB NOT NULL, create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL, version INTEGER NOT NULL, lease INTEGER NOT NULL,
    before_value BLOB, before_create INTEGER, before_mod INTEGER, before_version INTEGER,
    before_lease INTEGER);
  CREATE INDEX history_revision ON history (mod_revision);
  CREATE TABLE leases (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL);
)sql";

Result<void> create(Database& database) {
  LF_OK(database.execute("BEGIN IMMEDIATE"));
  LF_OK(database.execute(kTables));
  LF_OK(database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str()));
  LF_OK(database.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str()));
  return database.execute("COMMIT");
}

std::unexpected<Error> corrupt(const std::filesystem::path& file, std::string_view what) {
  return fail("store-corrupt",
              fmt::format("{}: {}. Restore the file from a backup, or move it away to start empty.",
                          file.string(), what),
              500);
}

}  // namespace

Result<void> prepare_schema(Database& database, const std::filesystem::path& file) {
  auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables && tables.error().code == "store-corrupt") {
    return corrupt(file, "not a database, or damaged");
  }
  if (!tables) return std::unexpected(tables.error());
  // EXTRA while the journal goes over to WAL: with FULL, a loss of power may bring the deleted
  // rollback journal back, and with it the state from before everything.
  LF_OK(
      database.execute("PRAGMA synchronous = EXTRA; PRAGMA journal_mode = WAL;"
                       "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                       "PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 16777216;"));
  if (*tables == 0) return create(database);

  LF_TRY(application, database.integer("PRAGMA application_id"));
  if (application != kApplicationId) return corrupt(file, "a database, but not Landfall's store");
  LF_TRY(version, database.integer("PRAGMA user_version"));
  if (version != kSchemaVersion) {
    return fail("store-version",
                fmt::format("{} has format {}, this program reads format {}; use the version of "
                            "Landfall that wrote it",
                            file.string(), version, kSchemaVersion),
                500);
  }
  auto check = database.prepare("PRAGMA quick_check(1)");
  if (!check) return corrupt(file, check.error().message);
  auto row = check->step();
  if (!row) return corrupt(file, row.error().message);
  if (const std::string said = check->bytes(0); said != "ok") return corrupt(file, said);
  return {};
}

KeyValue key_value_at(const Statement& row, int first_column) {
  return KeyValue{.key = row.bytes(first_column),
                  .value = row.bytes(first_column + 1),
                  .create_revision = row.integer(first_column + 2),
                  .mod_revision = row.integer(first_column + 3),
                  .version = row.integer(first_column + 4),
                  .lease = row.integer(first_column + 5)};
}

std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace landfall::store
