#include "services/logs/engine/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace landfall::logs {

namespace {

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

std::string Position::str() const {
  return fmt::format("3{:015}{:020}{:020}", std::max<std::int64_t>(time_ms, 0), sequence, index);
}

bool Position::parse(std::string_view text, Position& out) {
  if (text.size() != 56 || text[0] != '3') return false;
  const auto number = [](std::string_view digits, auto& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  return text[1] != '-' && number(text.substr(1, 15), out.time_ms) &&
         number(text.substr(16, 20), out.sequence) && number(text.substr(36), out.index);
}

Position Position::before() const {
  constexpr auto kLastIndex = std::numeric_limits<std::uint32_t>::max();
  if (index > 0) return {time_ms, sequence, index - 1};
  if (sequence > 0) return {time_ms, sequence - 1, kLastIndex};
  return {time_ms - 1, std::numeric_limits<std::uint64_t>::max(), kLastIndex};
}

Position Position::after() const {
  if (index < std::numeric_limits<std::uint32_t>::max()) return {time_ms, sequence, index + 1};
  return {time_ms, sequence + 1, 0};
}

void encode_blocks(
    const std::vector<LogEvent>& events, std::int64_t ingestion_ms,
    const std::function<void(std::int64_t first_ms, const std::string& block)>& put) {
  std::string block;
  std::int64_t first_ms = 0;
  for (const LogEvent& event : events) {
    if (!block.empty() && (block.size() + event.message.size() > kBlockBytes ||
                           event.time_ms - first_ms > kBlockSpanMs)) {
      put(first_ms, block);
      block.clear();
    }
    if (block.empty()) {
      first_ms = event.time_ms;
      put_varint(block, static_cast<std::uint64_t>(ingestion_ms));
    }
    put_varint(block, static_cast<std::uint64_t>(event.time_ms - first_ms));
    put_varint(block, event.message.size());
    block += event.message;
  }
  if (!block.empty()) put(first_ms, block);
}

BlockReader::BlockReader(std::int64_t first_ms, std::string_view block)
    : rest_(block), first_ms_(first_ms) {
  std::uint64_t ingestion = 0;
  if (!take_varint(rest_, ingestion)) rest_ = {};
  ingestion_ms_ = static_cast<std::int64_t>(ingestion);
}

bool BlockReader::next() {
  std::uint64_t delta = 0;
  std::uint64_t size = 0;
  if (rest_.empty() || !take_varint(rest_, delta) || !take_varint(rest_, size) ||
      size > rest_.size()) {
    return false;
  }
  time_ms_ = first_ms_ + static_cast<std::int64_t>(delta);
  message_ = rest_.substr(0, size);
  rest_.remove_prefix(size);
  if (started_) ++index_;
  started_ = true;
  return true;
}

void put_number(std::string& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(number >> shift));
}

std::uint64_t number_at(std::string_view key, std::size_t offset) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    number = number << 8 | static_cast<unsigned char>(key[offset + i]);
  }
  return number;
}

}  // namespace landfall::logs
