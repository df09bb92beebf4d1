// Log events as they lie on disk: blocks of events of one stream, in order of their times. A block
// covers at most kBlockSpanMs, so a reader knows how far back the event of a given time can be.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace landfall::logs {

inline constexpr std::int64_t kBlockSpanMs = 60'000;
inline constexpr std::size_t kBlockBytes = 64 << 10;

struct LogEvent {
  std::int64_t time_ms = 0;
  std::string message;
};

// Where an event is in the order of its group: by time, then as it came in.
struct Position {
  std::int64_t time_ms = 0;
  std::uint64_t sequence = 0;  // of the block; unique in the engine
  std::uint32_t index = 0;     // in the block
  auto operator<=>(const Position&) const = default;

  // 56 digits, as AWS writes event ids; sorts like the position.
  std::string str() const;
  static bool parse(std::string_view text, Position& out);
  // A position next to this one, with no event between.
  Position before() const;
  Position after() const;
};

// Cuts events (in order of time) into blocks: (time of the first event, block).
void encode_blocks(const std::vector<LogEvent>& events, std::int64_t ingestion_ms,
                   const std::function<void(std::int64_t first_ms, const std::string& block)>& put);

// Walks the events of one block. A damaged block ends early.
class BlockReader {
 public:
  BlockReader() = default;
  // `block` must outlive the reader.
  BlockReader(std::int64_t first_ms, std::string_view block);
  bool next();  // false at the end
  std::int64_t time_ms() const { return time_ms_; }
  std::string_view message() const { return message_; }
  std::uint32_t index() const { return index_; }
  std::int64_t ingestion_ms() const { return ingestion_ms_; }

 private:
  std::string_view rest_;
  std::int64_t first_ms_ = 0;
  std::int64_t ingestion_ms_ = 0;
  std::int64_t time_ms_ = 0;
  std::uint32_t index_ = 0;
  bool started_ = false;
  std::string_view message_;
};

// What AWS counts for an event.
inline std::size_t billed_bytes(std::string_view message) { return message.size() + 26; }

// Big-endian numbers order keys.
void put_number(std::string& key, std::uint64_t number);
std::uint64_t number_at(std::string_view key, std::size_t offset);

}  // namespace landfall::logs
