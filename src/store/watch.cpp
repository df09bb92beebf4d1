#include "store/schema.h"
#include "store/snapshot.h"

namespace landfall::store {

namespace {
// A watch that is not read keeps this many changes; then it forgets them and reads the history when
// it is read again.
constexpr std::size_t kMostQueued = 4096;
constexpr std::size_t kChunk = 512;

Event event_at(const Statement& row) {
  Event event;
  event.kind = row.integer(0) != 0 ? Event::Kind::remove : Event::Kind::put;
  event.current = key_value_at(row, 1);
  if (!row.is_null(7)) {
    event.previous = KeyValue{.key = event.current.key,
                              .value = row.bytes(7),
                              .create_revision = row.integer(8),
                              .mod_revision = row.integer(9),
                              .version = row.integer(10),
                              .lease = row.integer(11)};
  }
  return event;
}
}  // namespace

Result<History> read_history(Database& reader, std::string_view prefix, Revision after,
                             Revision until, std::size_t limit) {
  History history;
  // The statement's read transaction makes the answer one moment's, although the writer may be
  // trimming: whatever row of the wanted revisions is gone makes `compacted` reach past `after`.
  LF_TRY(rows, reader.prepare(
                   "SELECT removed, " LANDFALL_KEY_VALUE_COLUMNS
                   ", before_value, before_create, before_mod, before_version, before_lease, "
                   "(SELECT value FROM meta WHERE name = 'compacted') FROM history "
                   "WHERE mod_revision > ?1 AND mod_revision <= ?2 ORDER BY mod_revision, id"));
  rows.bind(1, after).bind(2, until);
  auto row = rows.step();
  for (; row && *row; row = rows.step()) {
    if (rows.integer(12) > after) {
      history.compacted = true;
      break;
    }
    if (!rows.bytes(1).starts_with(prefix)) continue;
    Event event = event_at(rows);
    if (history.events.size() >= limit &&
        history.events.back().current.mod_revision != event.current.mod_revision) {
      break;
    }
    history.events.push_back(std::move(event));
  }
  if (!row) return std::unexpected(row.error());
  if (history.events.empty() && !history.compacted) {
    LF_TRY(compacted, reader.integer("SELECT value FROM meta WHERE name = 'compacted'"));
    history.compacted = compacted > after;
  }
  return history;
}

SqliteWatch::SqliteWatch(std::shared_ptr<Snapshot> snapshot, std::string prefix,
                         Revision after_revision)
    : snapshot_(std::move(snapshot)),
      prefix_(std::move(prefix)),
      seen_(after_revision),
      live_(after_revision >= snapshot_->revision),
      fed_(snapshot_->loop) {
  snapshot_->watches.push_back(this);
}

SqliteWatch::~SqliteWatch() { std::erase(snapshot_->watches, this); }

void SqliteWatch::feed(Revision revision, const std::vector<Event>& changes) {
  if (!live_) return;
  if (revision <= seen_) return;  // asked for a revision that lay in the future
  const std::size_t before = queue_.size();
  for (const Event& event : changes) {
    if (event.current.key.starts_with(prefix_)) queue_.push_back(event);
  }
  if (queue_.size() == before) return;
  queue_revision_ = revision;
  if (queue_.size() > kMostQueued) {
    live_ = false;
    queue_ = {};
  }
  fed_.notify_all();
}

task<Result<std::vector<Event>>> SqliteWatch::next() {
  while (true) {
    if (compacted_) {
      co_return fail("compacted", "the history asked for is gone; list again", 410);
    }
    if (!live_) {
      auto events = catch_up();
      if (!events || !events->empty()) co_return events;
      continue;
    }
    if (!queue_.empty()) {
      seen_ = queue_revision_;
      co_return std::exchange(queue_, {});
    }
    co_await fed_.wait();
  }
}

// From the history; empty when the end of it was reached (then the watch is live again) or when it
// is gone.
Result<std::vector<Event>> SqliteWatch::catch_up() {
  LF_TRY(history, read_history(snapshot_->reader, prefix_, seen_, snapshot_->revision, kChunk));
  if (history.compacted) {
    compacted_ = true;
  } else if (!history.events.empty()) {
    seen_ = history.events.back().current.mod_revision;
  } else {
    seen_ = std::max(seen_, snapshot_->revision);
    live_ = true;
  }
  return std::move(history.events);
}

}  // namespace landfall::store
