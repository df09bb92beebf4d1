// The one thread that writes. Requests that wait together share one SQLite transaction and so one
// fsync, but each has its own revision and its own conditions, and one that fails does not fail the
// others.
#pragma once

#include <condition_variable>
#include <thread>

#include "store/sqlite.h"
#include "store/store.h"

namespace landfall::store {

struct GrantLease {
  std::int64_t ttl_ms = 0;
};
struct RevokeLease {
  std::int64_t lease = 0;
};

// Filled by the writer, then handed to the loop's thread.
struct Request {
  std::variant<Transaction, GrantLease, RevokeLease> work;
  Result<Committed> result = Committed{};
  std::int64_t lease = 0;                         // granted
  std::vector<Event> changes;                     // what it did, in order of keys
  std::function<void(const Request&)> delivered;  // once, on the loop's thread
};
using Requests = std::vector<std::shared_ptr<Request>>;

// What one SQLite transaction is made of. Not thread safe.
class TransactionWriter {
 public:
  static Result<TransactionWriter> prepare(Database& database, std::size_t history);

  // Durable when it returns. Requests that failed carry their error.
  void write(const Requests& requests);
  Revision revision() const { return revision_; }

 private:
  explicit TransactionWriter(Database& database) : database_(&database) {}
  struct Change {
    std::optional<KeyValue> before;
    std::optional<KeyValue> after;
  };
  using Changes = std::map<std::string, Change, std::less<>>;

  Result<void> write_together(const Requests& requests);
  Result<void> apply(Request& request);
  Result<void> apply_transaction(Request& request, const Transaction& transaction);
  Result<void> revoke(Request& request, std::int64_t lease);
  Result<void> evaluate(const Operation& operation, Changes& changes);
  Result<void> remove_prefix(const std::string& prefix, Changes& changes);
  Result<Change*> find(std::string_view key, Changes& changes);
  Result<std::optional<KeyValue>> load(std::string_view key);
  Result<bool> lease_exists(std::int64_t lease);
  Result<void> save(Request& request, Changes& changes);
  Result<void> save_history(const Event& event);
  Result<void> trim_history();

  Database* database_;
  Revision revision_ = 0;
  bool failing_ = false;  // said in the log
  std::int64_t history_limit_ = 0;
  std::int64_t history_first_ = 0;  // ids of the history rows that are there: [first, next)
  std::int64_t history_next_ = 1;
  Statement get_, range_, put_, remove_, by_lease_, history_, set_revision_, set_compacted_,
      lease_get_, lease_put_, lease_remove_, trim_, trim_revision_;
};

class Writer {
 public:
  // `deliver` is called on the writer's thread with requests that are done, in order of their
  // revisions; `wake` when the time given to wake_at() has come.
  Writer(Database database, std::size_t history, std::function<void(Requests)> deliver,
         std::function<void()> wake);
  ~Writer();  // writes what is queued first
  Result<void> start();

  // Error "store-busy" when too much waits already.
  Result<void> submit(std::shared_ptr<Request> request);
  void wake_at(std::chrono::steady_clock::time_point time);

 private:
  void run();

  Database database_;
  std::size_t history_;
  std::optional<TransactionWriter> transactions_;
  std::function<void(Requests)> deliver_;
  std::function<void()> wake_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Request>> queue_;
  std::optional<std::chrono::steady_clock::time_point> wake_time_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace landfall::store
