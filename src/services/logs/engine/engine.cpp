#include "services/logs/engine/engine.h"

#include "base/check.h"
#include "base/log.h"
#include "services/logs/engine/log_database.h"
#include "services/logs/engine/scan_streams.h"
#include "services/logs/engine/search.h"
#include "services/logs/regex/regex.h"

namespace landfall::logs {

namespace {

// What an append makes of its stream.
struct Added {
  std::int64_t first_ms = 0;
  std::int64_t last_ms = 0;
  std::int64_t bytes = 0;
  bool events = false;
  std::string follower;
  std::int64_t position = 0;

  void note_in(Stream& stream, std::int64_t now_ms) const {
    if (events) {
      const bool first = !stream.has_events();
      stream.first_event_ms = first ? first_ms : std::min(stream.first_event_ms, first_ms);
      stream.last_event_ms = first ? last_ms : std::max(stream.last_event_ms, last_ms);
      stream.last_ingestion_ms = std::max(stream.last_ingestion_ms, now_ms);
      stream.bytes += bytes;
    }
    if (!follower.empty()) stream.followers[follower] = position;
  }
};

Added added_by(const AppendRequest& request) {
  Added added{.follower = request.follower, .position = request.position};
  if (request.events.empty()) return added;
  added.events = true;
  added.first_ms = request.events.front().time_ms;
  added.last_ms = request.events.back().time_ms;
  for (const LogEvent& event : request.events) {
    added.bytes += static_cast<std::int64_t>(billed_bytes(event.message));
  }
  return added;
}

// A stream that is being appended to: what it is without the appends that are under way.
struct Unsettled {
  Stream settled;
  int writes = 0;
  bool failed = false;
};

}  // namespace

struct Engine::Parts {
  ~Parts() {
    if (database) database->rocks->stop();
  }
  Stream* find(std::int64_t group, std::string_view name, std::int64_t id) {
    const auto all = groups.find(group);
    if (all == groups.end()) return nullptr;
    const auto found = all->second.find(name);
    return found == all->second.end() || found->second.id != id ? nullptr : &found->second;
  }
  void settle(std::int64_t group, std::string_view name, std::int64_t id, const Added& added,
              std::int64_t now_ms, bool written);

  io::Loop& loop;
  const Clock& clock;
  Random& random;
  std::shared_ptr<LogDatabase> database;
  std::map<std::int64_t, Streams> groups;
  std::map<std::int64_t, Unsettled> unsettled = {};  // by stream
};

// The stream shows an append from its beginning, so that a second one builds on it; one that fails
// is taken back, at the latest when nothing else is under way.
void Engine::Parts::settle(std::int64_t group, std::string_view name, std::int64_t id,
                           const Added& added, std::int64_t now_ms, bool written) {
  const auto entry = unsettled.find(id);
  Unsettled& open = entry->second;
  Stream* stream = find(group, name, id);
  if (written) {
    added.note_in(open.settled, now_ms);
  } else {
    open.failed = true;
    // At once: the follower comes again with the same lines.
    if (stream != nullptr && !added.follower.empty()) {
      const auto old = open.settled.followers.find(added.follower);
      if (old == open.settled.followers.end()) {
        stream->followers.erase(added.follower);
      } else {
        stream->followers[added.follower] = old->second;
      }
    }
  }
  if (--open.writes > 0) return;
  if (open.failed && stream != nullptr) *stream = std::move(open.settled);
  unsettled.erase(entry);
}

namespace {

const Streams kNone;

std::string stream_key(std::int64_t group, std::string_view name) {
  std::string key;
  put_number(key, static_cast<std::uint64_t>(group));
  return key += name;
}

std::string number_key(std::int64_t number) {
  std::string key;
  put_number(key, static_cast<std::uint64_t>(number));
  return key;
}

Result<std::map<std::int64_t, Streams>> load_streams(LogDatabase& database) {
  std::map<std::int64_t, Streams> groups;
  const std::unique_ptr<rocksdb::Iterator> rows(
      database.db().NewIterator(rocksdb::ReadOptions(), database.streams()));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    const std::string_view key(rows->key().data(), rows->key().size());
    auto stream = record::from_text<Stream>({rows->value().data(), rows->value().size()});
    if (!stream || key.size() < 8) {
      log::error("logs", "the record of a log stream cannot be read and is left out");
      continue;
    }
    groups[static_cast<std::int64_t>(number_at(key, 0))].emplace(key.substr(8), std::move(*stream));
  }
  if (!rows->status().ok())
    return std::unexpected(database.error_of(rows->status(), "log streams"));
  return groups;
}

void shorten(Stream& stream, std::int64_t bytes, std::int64_t end_ms) {
  stream.bytes = std::max<std::int64_t>(0, stream.bytes - bytes);
  stream.first_event_ms = std::max(stream.first_event_ms, end_ms);
  stream.last_event_ms = std::max(stream.last_event_ms, stream.first_event_ms);
}

}  // namespace

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(io::Loop& loop, const Clock& clock, Random& random,
                                             const std::filesystem::path& folder,
                                             std::shared_ptr<rocksdb::FileSystem> files) {
  if (!files) files = rocksdb::FileSystem::Default();
  LF_TRY(database, LogDatabase::open(loop, folder, std::move(files)));
  LF_TRY(groups, load_streams(*database));
  return std::unique_ptr<Engine>(new Engine(
      std::make_unique<Parts>(loop, clock, random, std::move(database), std::move(groups))));
}

const Streams& Engine::streams(std::int64_t group) const {
  const auto found = parts_->groups.find(group);
  return found == parts_->groups.end() ? kNone : found->second;
}

const Stream* Engine::find(std::int64_t group, std::string_view stream) const {
  const Streams& all = streams(group);
  const auto found = all.find(stream);
  return found == all.end() ? nullptr : &found->second;
}

std::vector<std::int64_t> Engine::groups() const {
  std::vector<std::int64_t> ids;
  for (const auto& [id, streams] : parts_->groups) ids.push_back(id);
  return ids;
}

task<Result<void>> Engine::create_stream(std::int64_t group, std::string name) {
  if (find(group, name) != nullptr) co_return fail("exists", "the log stream exists");
  Stream stream;
  stream.id = static_cast<std::int64_t>(parts_->random.next() >> 1);
  stream.created_ms = to_unix_ms(parts_->clock.now());
  // At once, so that of two that come together one is told that it exists.
  parts_->groups[group].emplace(name, stream);
  const std::int64_t id = stream.id;
  auto* family = parts_->database->streams();
  auto written = co_await parts_->database->rocks->write(
      [family, key = stream_key(group, name), text = record::to_text(stream)](
          rocksdb::WriteBatch& batch) { batch.Put(family, key, text); },
      256);
  if (!written) {
    const Stream* now = find(group, name);
    if (now != nullptr && now->id == id) parts_->groups[group].erase(name);
  }
  co_return written;
}

task<Result<void>> Engine::delete_stream(std::int64_t group, std::string name) {
  const Stream* stream = find(group, name);
  if (stream == nullptr) co_return fail("not-found", "no such log stream");
  const Stream kept = *stream;
  parts_->groups[group].erase(name);
  auto database = parts_->database;
  auto written = co_await parts_->database->rocks->write(
      [database, key = stream_key(group, name), id = kept.id](rocksdb::WriteBatch& batch) {
        batch.Delete(database->streams(), key);
        batch.DeleteRange(database->events(), number_key(id), number_key(id + 1));
      },
      256);
  if (!written) parts_->groups[group].emplace(name, kept);
  co_return written;
}

task<Result<void>> Engine::drop_group(std::int64_t group) {
  auto node = parts_->groups.extract(group);
  if (!node) co_return Result<void>();
  std::vector<std::int64_t> ids;
  for (const auto& [name, stream] : node.mapped()) ids.push_back(stream.id);
  auto database = parts_->database;
  auto written = co_await parts_->database->rocks->write(
      [database, group, ids](rocksdb::WriteBatch& batch) {
        batch.DeleteRange(database->streams(), number_key(group), number_key(group + 1));
        for (const std::int64_t id : ids) {
          batch.DeleteRange(database->events(), number_key(id), number_key(id + 1));
        }
      },
      256);
  // Still there on disk: whoever looks for groups that nobody knows finds it again.
  if (!written) parts_->groups.insert(std::move(node));
  co_return written;
}

task<Result<void>> Engine::expire(std::int64_t group, std::int64_t cutoff_ms) {
  const std::int64_t end_ms = cutoff_ms - kBlockSpanMs;
  if (end_ms <= 0) co_return Result<void>();
  std::vector<std::pair<std::string, std::int64_t>> old;
  for (const auto& [name, stream] : streams(group)) {
    if (stream.has_events() && stream.first_event_ms < end_ms) old.emplace_back(name, stream.id);
  }
  for (const auto& [name, id] : old) {
    auto database = parts_->database;
    LF_CO_TRY(bytes, co_await parts_->loop.run_blocking([database, id = id, end_ms] {
      return measure_blocks(*database, id, end_ms);
    }));
    // Looked up again after every wait: it may have changed or gone.
    Stream* found = parts_->find(group, name, id);
    if (found == nullptr) continue;
    Stream& stream = *found;
    shorten(stream, bytes, end_ms);
    const auto open = parts_->unsettled.find(id);
    if (open != parts_->unsettled.end()) shorten(open->second.settled, bytes, end_ms);
    LF_CO_OK(co_await parts_->database->rocks->write(
        [database, id = id, end_ms, key = stream_key(group, name),
         text = record::to_text(stream)](rocksdb::WriteBatch& batch) {
          batch.DeleteRange(database->events(), number_key(id),
                            number_key(id) + number_key(end_ms));
          batch.Put(database->streams(), key, text);
        },
        256));
  }
  co_return Result<void>();
}

task<Result<void>> Engine::append(AppendRequest request) {
  auto all = parts_->groups.find(request.group);
  if (all == parts_->groups.end()) co_return fail("not-found", "no such log stream");
  auto found = all->second.find(request.stream);
  if (found == all->second.end()) co_return fail("not-found", "no such log stream");
  Stream& stream = found->second;
  if (!request.follower.empty()) {
    const auto kept = stream.followers.find(request.follower);
    if (kept != stream.followers.end() && request.position <= kept->second) {
      co_return Result<void>();
    }
  }
  const std::int64_t now_ms = to_unix_ms(parts_->clock.now());
  const Added added = added_by(request);
  const std::int64_t id = stream.id;
  Unsettled& open = parts_->unsettled.try_emplace(id, Unsettled{stream}).first->second;
  ++open.writes;
  added.note_in(stream, now_ms);
  const std::size_t bytes = 256 + static_cast<std::size_t>(added.bytes);
  const std::int64_t group = request.group;
  const std::string name = request.stream;
  auto database = parts_->database;
  auto written = co_await database->rocks->write(
      [database = database.get(), id, now_ms, key = stream_key(group, name),
       text = record::to_text(stream),
       events = std::move(request.events)](rocksdb::WriteBatch& batch) {
        encode_blocks(events, now_ms, [&](std::int64_t first_ms, const std::string& block) {
          batch.Put(database->events(),
                    number_key(id) + number_key(first_ms) +
                        number_key(static_cast<std::int64_t>(database->sequence++)),
                    block);
        });
        batch.Put(database->streams(), key, text);
      },
      bytes);
  parts_->settle(group, name, id, added, now_ms, written.has_value());
  co_return written;
}

task<Result<Page>> Engine::search(Query query) {
  std::vector<SearchedStream> searched;
  const auto consider = [&](const std::string& name, const Stream& stream) {
    if (!stream.has_events() || stream.last_event_ms < query.from_ms ||
        stream.first_event_ms >= query.to_ms) {
      return;
    }
    searched.push_back({stream.id, stream.first_event_ms, name});
  };
  if (!query.streams.empty()) {
    for (const std::string& name : query.streams) {
      if (const Stream* stream = find(query.group, name)) consider(name, *stream);
    }
  } else {
    const Streams& all = streams(query.group);
    for (auto it = all.lower_bound(query.prefix);
         it != all.end() && it->first.starts_with(query.prefix); ++it) {
      consider(it->first, it->second);
    }
  }
  auto database = parts_->database;
  co_return co_await parts_->loop.run_blocking(
      [database, query = std::move(query),
       searched = std::move(searched)]() mutable -> Result<Page> {
        try {
          return query.backward ? search_backward(*database, query, searched)
                                : search_forward(*database, query, std::move(searched));
        } catch (const Regex::TooComplex& error) {
          return fail("InvalidParameterException", fmt::format("The pattern: {}.", error.what()));
        }
      });
}

std::unique_ptr<Scan> Engine::scan(ScanSettings settings) const {
  std::vector<ScanStream> scanned;
  for (std::size_t i = 0; i < settings.groups.size(); ++i) {
    for (const auto& [name, stream] : streams(settings.groups[i].id)) {
      if (!stream.has_events() || stream.last_event_ms < settings.groups[i].from_ms ||
          stream.first_event_ms >= settings.to_ms) {
        continue;
      }
      scanned.push_back({stream.id, stream.last_event_ms, i, name});
    }
  }
  return scan_blocks(parts_->database, std::move(settings), std::move(scanned));
}

}  // namespace landfall::logs
