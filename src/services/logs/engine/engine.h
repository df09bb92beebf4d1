// The engine behind CloudWatch Logs: streams and their events in RocksDB. Groups are known to it by
// number only; what they are called is the service's state.
//
// All members are called on the loop's thread, which also owns the list of streams. One thread
// writes: what waits together shares one fsync. Searches run on the loop's pool.
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "base/random.h"
#include "base/record.h"
#include "io/loop.h"
#include "services/logs/engine/block.h"
#include "services/logs/engine/scan.h"

namespace rocksdb {
class FileSystem;
}

namespace landfall::logs {

class Pattern;

struct Stream {
  std::int64_t id = 0;
  std::int64_t created_ms = 0;
  std::int64_t first_event_ms =
      0;  // of the events ever accepted; meaningless while last_ingestion_ms is 0
  std::int64_t last_event_ms = 0;
  std::int64_t last_ingestion_ms = 0;
  std::int64_t bytes = 0;                         // billed
  std::map<std::string, std::int64_t> followers;  // positions
  bool has_events() const { return last_ingestion_ms != 0; }
};
LF_RECORD(Stream, id, created_ms, first_event_ms, last_event_ms, last_ingestion_ms, bytes,
          followers)
using Streams = std::map<std::string, Stream, std::less<>>;

struct Query {
  std::int64_t group = 0;
  std::vector<std::string> streams;  // names; empty: all whose name starts with `prefix`
  std::string prefix = {};
  std::int64_t from_ms = 0;                                       // inclusive
  std::int64_t to_ms = std::numeric_limits<std::int64_t>::max();  // exclusive
  std::optional<Position> after = {};                             // forward: only events after it
  std::optional<Position> before = {};                            // backward: only events before it
  bool backward = false;  // the last `limit` events; one stream only. Still given in order of time.
  std::size_t limit = 10'000;
  std::size_t byte_limit = 1 << 20;               // of the messages found
  std::size_t scan_limit = std::size_t{4} << 30;  // bytes looked at
  std::shared_ptr<const Pattern> pattern = {};
};

struct Found {
  Position position;
  std::int64_t ingestion_ms = 0;
  std::string stream;
  std::string message;
};

struct Page {
  std::vector<Found> events;
  // Set when the page is full or enough was searched: go on after it (backward: before it).
  std::optional<Position> more;
};

struct AppendRequest {
  std::int64_t group = 0;
  std::string stream;
  std::vector<LogEvent> events;  // in order of time
  std::string follower = {};
  std::int64_t position = 0;
};

class Engine {
 public:
  // `files`: of tests, which break them. Errors: "logs-corrupt", "logs-failed".
  static Result<std::unique_ptr<Engine>> open(io::Loop& loop, const Clock& clock, Random& random,
                                              const std::filesystem::path& folder,
                                              std::shared_ptr<rocksdb::FileSystem> files = {});
  ~Engine();  // writes what is queued first

  const Streams& streams(std::int64_t group) const;  // empty when unknown
  const Stream* find(std::int64_t group, std::string_view stream) const;
  std::vector<std::int64_t> groups() const;  // that have streams

  // Errors of all that write: "disk-full", "logs-busy", "logs-failed". "not-found", "exists" as
  // named.
  task<Result<void>> create_stream(std::int64_t group, std::string stream);
  task<Result<void>> delete_stream(std::int64_t group, std::string stream);
  task<Result<void>> drop_group(std::int64_t group);
  // Deletes blocks whose events are all older than `cutoff_ms`.
  task<Result<void>> expire(std::int64_t group, std::int64_t cutoff_ms);
  task<Result<void>> append(AppendRequest request);

  // Error InvalidParameterException for a pattern that takes too long on some event.
  task<Result<Page>> search(Query query);
  // Of what is acknowledged now. The scan may outlive the engine, and runs on any one thread at a
  // time.
  std::unique_ptr<Scan> scan(ScanSettings settings) const;

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace landfall::logs
