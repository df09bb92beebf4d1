#include "base/clock.h"
#include "host/containers/log_follower.h"

namespace landfall::host {
namespace {

// RFC 3339 with nanoseconds and offset; 0 when it is something else.
std::int64_t parse_time_ns(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto whole = parse_time(text);
  if (!whole) return 0;
  std::int64_t nanoseconds = 0;
  if (dot != std::string_view::npos) {
    std::int64_t scale = 100'000'000;
    for (std::size_t i = dot + 1; i < text.size() && scale > 0; ++i, scale /= 10) {
      if (text[i] < '0' || text[i] > '9') break;
      nanoseconds += (text[i] - '0') * scale;
    }
  }
  const std::int64_t ms = to_unix_ms(*whole);
  const std::int64_t seconds = ms >= 0 ? ms / 1000 : (ms - 999) / 1000;
  return seconds * 1'000'000'000 + nanoseconds;
}

// A record longer than its line can be is no record of conmon's.
constexpr std::size_t kLongestRecord = LogFollower::kLongestLine + 1024;

}  // namespace

void LogLineParser::feed(std::string_view bytes, std::vector<LogLine>& out) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    const bool complete = end != std::string_view::npos;
    const std::uint64_t begins_at = offset_ - rest_.size();
    rest_ += piece;
    offset_ += piece.size() + (complete ? 1 : 0);
    bytes.remove_prefix(piece.size() + (complete ? 1 : 0));
    if (!complete && rest_.size() < kLongestRecord) return;
    record(rest_, begins_at, offset_, out);
    rest_.clear();
  }
}

void LogLineParser::record(std::string_view line, std::uint64_t begins_at, std::uint64_t ends_at,
                           std::vector<LogLine>& out) {
  // "TIME stdout F text"
  const std::size_t time_end = std::min(line.find(' '), line.size());
  const std::int64_t time_ns = parse_time_ns(line.substr(0, time_end));
  const std::string_view after = line.substr(std::min(time_end + 1, line.size()));
  const bool is_record = time_ns != 0 &&
                         (after.starts_with("stdout ") || after.starts_with("stderr ")) &&
                         after.size() >= 8 && (after[7] == 'F' || after[7] == 'P') &&
                         (after.size() == 8 || after[8] == ' ');
  if (!is_record) {
    // The rest of a longer record, or damage: the text is kept, as much as can be known of it.
    if (line.find_first_not_of('\0') == std::string_view::npos) return;
    out.push_back({last_time_ns_, false, std::string(line), ends_at});
    return;
  }
  last_time_ns_ = time_ns;
  const int stream = after.starts_with("stderr ") ? 1 : 0;
  std::string_view text = after.substr(std::min<std::size_t>(9, after.size()));
  Pending& pending = pending_[std::size_t(stream)];
  if (!pending.open) {
    pending.open = true;
    pending.time_ns = time_ns;
    pending.begins_at = begins_at;
  }
  while (pending.text.size() + text.size() > LogFollower::kLongestLine) {
    const std::size_t room = LogFollower::kLongestLine - pending.text.size();
    pending.text += text.substr(0, room);
    text.remove_prefix(room);
    deliver(stream, begins_at, out);
    pending = {.text = {}, .time_ns = time_ns, .begins_at = begins_at, .open = true};
  }
  pending.text += text;
  if (after[7] == 'F') deliver(stream, ends_at, out);
}

void LogLineParser::deliver(int stream, std::uint64_t ends_at, std::vector<LogLine>& out) {
  Pending& done = pending_[std::size_t(stream)];
  const Pending& other = pending_[std::size_t(1 - stream)];
  const std::uint64_t next = other.open ? std::min(other.begins_at, ends_at) : ends_at;
  out.push_back({done.time_ns, stream == 1, std::move(done.text), next});
  done = {};
}

void LogLineParser::finish(std::vector<LogLine>& out) {
  if (!rest_.empty()) {
    record(rest_, offset_ - rest_.size(), offset_, out);
    rest_.clear();
  }
  for (int stream = 0; stream < 2; ++stream) {
    if (pending_[std::size_t(stream)].open) deliver(stream, offset_, out);
  }
}

}  // namespace landfall::host
