// Control-plane state with etcd's semantics: ordered keys, one revision per transaction,
// compare-and-swap, watch and leases. Acknowledged means on disk.
//
// Reads see every transaction that has been acknowledged and are synchronous (microseconds, from
// the page cache). commit() resumes when the transaction is durable; transactions that wait
// together share one fsync.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/loop.h"

namespace landfall::store {

using Revision = std::int64_t;

struct KeyValue {
  std::string key;
  std::string value;
  Revision create_revision = 0;
  Revision mod_revision = 0;  // of the last change
  std::int64_t version = 0;   // 1 at creation, then +1 a change
  std::int64_t lease = 0;     // 0: none
};

// Holds when the key's mod_revision equals `mod_revision`; 0 means "does not exist".
struct Condition {
  std::string key;
  Revision mod_revision = 0;
};

struct Put {
  std::string key;
  std::string value;
  std::int64_t lease = 0;
};
struct Delete {
  std::string key;
};
struct DeletePrefix {
  std::string prefix;
};
using Operation = std::variant<Put, Delete, DeletePrefix>;

struct Transaction {
  std::vector<Condition> conditions;  // all must hold, or nothing is done
  std::vector<Operation> operations;
};

struct Committed {
  bool succeeded = false;  // false: a condition did not hold
  Revision revision = 0;   // of this transaction; of the store when not succeeded
};

struct RangeOptions {
  std::string start_after;  // full key; for pagination
  std::size_t limit = 0;    // 0: all
};

struct Event {
  enum class Kind { put, remove } kind = Kind::put;
  KeyValue current;                  // for remove: key and mod_revision of the removal
  std::optional<KeyValue> previous;  // absent for a creation
};

// Delivers every change of keys with a prefix, in order, without gaps; changes of one transaction
// come together.
class Watch {
 public:
  virtual ~Watch() = default;
  // Waits for the next batch (never empty). Error "compacted": the history asked for is gone, list
  // again and watch from there. Throws Cancelled when stopped.
  virtual task<Result<std::vector<Event>>> next() = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  virtual std::optional<KeyValue> get(std::string_view key) = 0;
  virtual std::vector<KeyValue> range(std::string_view prefix,
                                      const RangeOptions& options = {}) = 0;
  virtual Revision revision() = 0;

  // Errors: "disk-full", "store-failed", "lease-not-found", "store-busy"; nothing of the
  // transaction is then done. Not stopped by a stop request: it ends within one fsync. A
  // transaction that changes nothing takes no revision; several operations on one key count as one
  // change.
  virtual task<Result<Committed>> commit(Transaction transaction) = 0;

  // From the first change after `after_revision`.
  virtual std::unique_ptr<Watch> watch(std::string prefix, Revision after_revision) = 0;

  // A lease deletes its keys when it is not renewed for `ttl`; after a restart every lease has its
  // whole ttl again. Error of renew and revoke: "lease-not-found".
  virtual task<Result<std::int64_t>> grant_lease(Millis ttl) = 0;
  virtual task<Result<void>> renew_lease(std::int64_t lease) = 0;
  virtual task<Result<void>> revoke_lease(std::int64_t lease) = 0;
};

struct SqliteOptions {
  std::filesystem::path file;
  std::size_t history = 10'000;  // changes kept for watches that start in the past
  std::string vfs =
      {};  // SQLite's name of the file layer, for fault injection; empty: the system's
};
// Opens or creates; stop() on the returned object's destruction waits for what is under way.
// Errors: "store-corrupt", "store-version", "locked", errno-*.
Result<std::unique_ptr<Store>> open_sqlite(io::Loop& loop, const Clock& clock,
                                           SqliteOptions options);

}  // namespace landfall::store
