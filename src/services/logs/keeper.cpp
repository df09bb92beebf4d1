#include "services/logs/keeper.h"

#include "base/bytes.h"
#include "base/log.h"
#include "services/logs/incoming.h"
#include "wire/logs/errors.h"

namespace landfall::logs {

namespace {

// Docker's awslogs driver cuts longer lines, too.
constexpr std::size_t kMostLineBytes = 262'118;

std::size_t utf8_size(unsigned char lead) {
  return lead < 0x80   ? 1
         : lead < 0xc0 ? 0
         : lead < 0xe0 ? 2
         : lead < 0xf0 ? 3
         : lead < 0xf8 ? 4
                       : 0;
}

std::vector<LogEvent> to_events(const std::vector<Line>& lines) {
  std::vector<LogEvent> events;
  for (const Line& line : lines) {
    const std::string text = to_valid_utf8(line.text);
    std::size_t at = 0;
    while (at < text.size()) {
      std::size_t end = std::min(at + kMostLineBytes, text.size());
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
      events.push_back(
          {std::max<std::int64_t>(to_unix_ms(line.time), 0), text.substr(at, end - at)});
      at = end;
    }
  }
  // Two outputs of one container interleave; equal times keep their order.
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (const LogEvent& event : events) order.emplace_back(event.time_ms, order.size());
  std::sort(order.begin(), order.end());
  std::vector<LogEvent> sorted;
  sorted.reserve(events.size());
  for (const auto& [time, index] : order) sorted.push_back(std::move(events[index]));
  return sorted;
}

}  // namespace

std::string to_valid_utf8(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = utf8_size(static_cast<unsigned char>(bytes[at]));
    if (size != 0 && at + size <= bytes.size() && is_valid_utf8(bytes.substr(at, size))) {
      text += bytes.substr(at, size);
      at += size;
    } else {
      text += "\xef\xbf\xbd";
      ++at;
    }
  }
  return text;
}

bool LogsPort::group_exists(const Scope& scope, const std::string& group) const {
  return logs_.groups(scope).get(group).has_value();
}

task<Result<void>> LogsPort::ensure_group(Scope scope, std::string group) {
  LF_CO_OK(co_await logs::ensure_group(logs_, std::move(scope), std::move(group)));
  co_return Result<void>();
}

task<Result<void>> LogsPort::ensure_stream(Scope scope, std::string group, std::string stream) {
  LF_CO_TRY(row, find_group(logs_, scope, group));
  auto created = co_await logs_.engine.create_stream(row.value.id, std::move(stream));
  if (!created && created.error().code != "exists") co_return created;
  co_return Result<void>();
}

task<Result<void>> LogsPort::append(Append append) {
  if (append.create_group) LF_CO_OK(co_await ensure_group(append.scope, append.group));
  LF_CO_TRY(row, find_group(logs_, append.scope, append.group));
  if (logs_.engine.find(row.value.id, append.stream) == nullptr) {
    LF_CO_OK(co_await ensure_stream(append.scope, append.group, append.stream));
  }
  AppendRequest request;
  request.group = row.value.id;
  request.stream = append.stream;
  request.events = to_events(append.lines);
  request.follower = append.follower;
  request.position = append.position;
  if (request.events.empty() && request.follower.empty()) co_return Result<void>();
  // A follower that starts again may bring lines that are there already.
  const bool seen = !append.follower.empty() &&
                    append.position <= follower_position(append.scope, append.group, append.stream,
                                                         append.follower);
  std::vector<LogEvent> watched;
  if (!seen && is_watched(logs_, row.value, append.stream)) watched = request.events;
  LF_CO_OK(co_await logs_.engine.append(std::move(request)));
  co_await watch_events(logs_, append.scope, row.value, append.stream, std::move(watched));
  co_return Result<void>();
}

std::int64_t LogsPort::follower_position(const Scope& scope, const std::string& group,
                                         const std::string& stream,
                                         const std::string& follower) const {
  const auto row = logs_.groups(scope).get(group);
  const Stream* found = row ? logs_.engine.find(row->value.id, stream) : nullptr;
  if (found == nullptr) return 0;
  const auto position = found->followers.find(follower);
  return position == found->followers.end() ? 0 : position->second;
}

void Housekeeping::start() { scope_.spawn("logs housekeeping", run()); }

task<void> Housekeeping::run() {
  while (true) {
    co_await sweep();
    co_await loop_.sleep_for(every_);
  }
}

task<void> Housekeeping::sweep() {
  std::map<std::int64_t, GroupRecord> groups;
  for (const auto& [scope, name] : scoped_keys(logs_.store, "groups")) {
    auto group = logs_.groups(scope).get(name);
    // What cannot be read must not be taken for deleted.
    if (!group) co_return;
    groups.emplace(group->value.id, std::move(group->value));
  }
  const auto stored = logs_.engine.groups();
  for (const std::int64_t id : stored) {
    // A group leaves the store first; a crash may have come between.
    if (groups.contains(id)) continue;
    if (auto dropped = co_await logs_.engine.drop_group(id); !dropped) {
      log::warning("logs", "cannot drop a deleted group: {}", dropped.error().message);
    }
  }
  for (const auto& [id, group] : groups) {
    const std::int64_t cutoff_ms = retention_cutoff_ms(group, logs_.clock.now());
    if (cutoff_ms == 0) continue;
    if (auto expired = co_await logs_.engine.expire(id, cutoff_ms); !expired) {
      log::warning("logs", "cannot expire events of {}: {}", group.name, expired.error().message);
    }
  }
  co_await logs_.queries.sweep();
}

}  // namespace landfall::logs
