// SQLite as the store uses it: connections, cached statements, errors in the store's words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace landfall::store {

// One prepared statement. bind() and step(), then reset() before the next use.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  // The text must live until reset(): it is not copied.
  Statement& bind(int index, std::string_view bytes);
  Statement& bind_null(int index);

  Result<bool> step();  // true: a row is there
  Result<void> run();   // to the end, then reset
  void reset();

  std::int64_t integer(int column) const;
  std::string bytes(int column) const;
  bool is_null(int column) const;

 private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

class Database {
 public:
  // vfs: empty for the system's own. Errors as error_of().
  static Result<Database> open(const std::filesystem::path& file, const std::string& vfs = {});
  Database() = default;
  Database(Database&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Database& operator=(Database&& other) noexcept;
  ~Database();

  Result<void> execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  Result<std::int64_t> integer(std::string_view sql);  // of the first row; 0 without rows
  bool in_transaction() const;
  sqlite3* raw() { return database_; }

 private:
  sqlite3* database_ = nullptr;
};

// "disk-full", "store-corrupt" or "store-failed".
Error error_of(sqlite3* database, int code, std::string_view what);

}  // namespace landfall::store
