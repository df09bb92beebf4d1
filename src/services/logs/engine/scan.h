// All events of some groups, in no particular order: for readers that look at everything. A scan is
// a place to go on from: it runs in short pieces, so that many share the loop's pool and each can
// be given up between two.
#pragma once

#include <chrono>

#include "base/result.h"
#include "services/logs/engine/block.h"

namespace landfall::logs {

struct ScanSettings {
  struct Group {
    std::int64_t id = 0;
    std::int64_t from_ms = 0;  // inclusive
  };
  std::vector<Group> groups;
  std::int64_t to_ms = std::numeric_limits<std::int64_t>::max();  // exclusive
  // Blocks from the latest to the oldest (events within a block still by time), streams with the
  // latest events first.
  bool latest_first = false;
  // Events without this text are counted, not given.
  std::string required = {};
};

struct ScannedEvent {
  std::size_t group = 0;  // index in ScanSettings::groups
  std::int64_t stream = 0;
  std::string_view stream_name;
  Position position;
  std::int64_t ingestion_ms = 0;
  std::string_view message;
};

class Scan {
 public:
  virtual ~Scan() = default;
  using Visit = std::function<void(const ScannedEvent& event)>;
  // Blocks the thread, not much longer than `until`. False at the end. Errors: "logs-failed",
  // "logs-corrupt".
  virtual Result<bool> run(std::chrono::steady_clock::time_point until, const Visit& visit) = 0;
  // Events before this time need not be given any more.
  virtual void ignore_before(std::int64_t time_ms) = 0;

  std::int64_t events = 0;  // in the range of time, given or not
  std::int64_t bytes = 0;   // billed
};

}  // namespace landfall::logs
