// Queries of Insights: started, run beside everything else, kept with their results for a week.
//
// A query that StartQuery has answered for is in the store; one that had not ended when the server
// died runs again after the next start. Results are files, written before the query is Complete.
#pragma once

#include <filesystem>
#include <map>

#include "base/ids.h"
#include "base/record.h"
#include "io/loop.h"
#include "services/logs/engine/engine.h"
#include "store/table.h"

namespace landfall::logs {

struct QueriedGroup {
  std::int64_t id = 0;
  std::string name;
  std::int64_t from_ms = 0;  // older events are gone, or about to go
};
LF_RECORD(QueriedGroup, id, name, from_ms)

struct QueryRecord {
  std::string id;
  std::string account;
  std::string text;
  std::vector<QueriedGroup> groups;
  std::int64_t to_ms = 0;  // exclusive
  std::size_t limit = 0;
  TimePoint created_at{};
  TimePoint ended_at{};
  std::string status = "Scheduled";  // AWS's words
  std::string why;                   // of Failed
  std::int64_t matched = 0;
  std::int64_t scanned = 0;
  std::int64_t bytes = 0;

  bool ended() const { return status != "Scheduled" && status != "Running"; }
};
LF_RECORD(QueryRecord, id, account, text, groups, to_ms, limit, created_at, ended_at, status, why,
          matched, scanned, bytes)

struct QueryTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
};
LF_RECORD(QueryTable, columns, rows)

class QueryRunner {
 public:
  struct Settings {
    std::size_t at_once = 2;     // that run; the others are Scheduled
    std::size_t most_open = 30;  // that have not ended, of an account and region
    Millis timeout = std::chrono::minutes(60);
    Millis keep = std::chrono::hours(7 * 24);
    std::size_t memory = 128 << 20;  // of one query
  };
  // References must outlive the runner. `folder` is made when it is needed.
  QueryRunner(io::Loop& loop, store::Store& store, const Clock& clock, const Engine& engine,
              std::filesystem::path folder)
      : QueryRunner(loop, store, clock, engine, std::move(folder), Settings{}) {}
  QueryRunner(io::Loop& loop, store::Store& store, const Clock& clock, const Engine& engine,
              std::filesystem::path folder, Settings settings);

  // Takes up what had not ended.
  void start();
  // What runs is given up; it runs again after the next start.
  task<void> stop() { return scope_.stop(); }

  // Durable when it returns. Error "too-many-queries".
  task<Result<void>> submit(Scope scope, QueryRecord query);
  // With the figures of this moment.
  std::optional<QueryRecord> find(const Scope& scope, const std::string& id) const;
  std::vector<QueryRecord> list(const Scope& scope) const;
  // Errors "not-found", "ended".
  task<Result<void>> cancel(Scope scope, std::string id);
  // Of a query that is Complete. Error "not-found".
  task<Result<QueryTable>> results(std::string id) const;
  // Drops queries that ended long ago.
  task<void> sweep();

 private:
  struct Open {
    Scope scope;
    QueryRecord record;
    bool cancelled = false;
  };
  store::Table<QueryRecord> table(const Scope& scope) const;
  std::filesystem::path file(const std::string& id) const { return folder_ / (id + ".json"); }
  task<void> run(std::shared_ptr<Open> open);
  task<Result<QueryTable>> execute(std::shared_ptr<Open> open);
  task<void> end(std::shared_ptr<Open> open, Result<QueryTable> outcome);
  QueryRecord live(QueryRecord record) const;

  io::Loop& loop_;
  store::Store& store_;
  const Clock& clock_;
  const Engine& engine_;
  std::filesystem::path folder_;
  Settings settings_;
  std::map<std::string, std::shared_ptr<Open>> open_;
  std::size_t running_ = 0;
  io::Event ended_;
  io::TaskScope scope_;
};

}  // namespace landfall::logs
