// What the loop's thread sees: every key of the acknowledged transactions, the watches on them, and
// the leases. Owned by the store and by everything the writer's thread still has to hand over, so
// that it outlives both.
#pragma once

#include <set>

#include "store/sqlite.h"
#include "store/store.h"
#include "store/writer.h"

namespace landfall::store {

class SqliteWatch;

struct Snapshot {
  struct ByKey {
    using is_transparent = void;
    bool operator()(const KeyValue& a, const KeyValue& b) const { return a.key < b.key; }
    bool operator()(const KeyValue& a, std::string_view b) const { return a.key < b; }
    bool operator()(std::string_view a, const KeyValue& b) const { return a < b.key; }
  };
  struct Lease {
    Millis ttl{};
    TimePoint deadline{};
    bool expiring = false;
  };

  Snapshot(io::Loop& the_loop, Database the_reader)
      : loop(the_loop), reader(std::move(the_reader)) {}

  io::Loop& loop;
  Database reader;
  std::set<KeyValue, ByKey> keys;
  Revision revision = 0;
  std::map<std::int64_t, Lease> leases;
  std::vector<SqliteWatch*> watches;

  // Fills keys and revision from the file.
  Result<void> load();
  // In the order of their revisions: changes the keys, feeds the watches, and then resumes those
  // that wait.
  void deliver(const Requests& requests);
};

struct History {
  bool compacted = false;
  std::vector<Event> events;  // whole transactions
};
// Changes of keys with `prefix` in (after, until], the oldest `limit` of them and the rest of the
// last one's transaction.
Result<History> read_history(Database& reader, std::string_view prefix, Revision after,
                             Revision until, std::size_t limit);

class SqliteWatch final : public Watch {
 public:
  SqliteWatch(std::shared_ptr<Snapshot> snapshot, std::string prefix, Revision after_revision);
  ~SqliteWatch() override;
  task<Result<std::vector<Event>>> next() override;

  // One transaction's changes; called by the snapshot.
  void feed(Revision revision, const std::vector<Event>& changes);

 private:
  Result<std::vector<Event>> catch_up();

  std::shared_ptr<Snapshot> snapshot_;
  std::string prefix_;
  Revision seen_;  // handed out, or passed over, up to here
  bool live_;      // queue_ continues at seen_; otherwise the history does
  bool compacted_ = false;
  std::vector<Event> queue_;
  Revision queue_revision_ = 0;
  io::Event fed_;
};

}  // namespace landfall::store
