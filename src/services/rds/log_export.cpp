#include "services/rds/log_export.h"

#include "base/log.h"
#include "services/rds/log_files.h"
#include "services/rds/server.h"

namespace landfall::rds {
namespace {

constexpr Millis kPoll = std::chrono::seconds(1);
constexpr std::string_view kFollower = "rds/postgresql";
// A position is (hour of the file, offset in it), so it grows from file to file.
constexpr int kOffsetBits = 38;
constexpr std::int64_t kMostOffset = (std::int64_t(1) << kOffsetBits) - 1;

std::string group_of(const DbInstance& instance) {
  return fmt::format("/aws/rds/instance/{}/postgresql", instance.identifier);
}

std::optional<TimePoint> time_of(std::string_view line) {
  // "2026-11-21 15:21:03 UTC:"
  if (line.size() < 24 || line.substr(19, 5) != " UTC:" || line[4] != '-' || line[10] != ' ')
    return {};
  const auto number = [&](std::size_t at, std::size_t digits) {
    int out = -1;
    std::from_chars(line.data() + at, line.data() + at + digits, out);
    return out;
  };
  const auto date = std::chrono::year(number(0, 4)) / number(5, 2) / number(8, 2);
  if (!date.ok()) return {};
  return TimePoint(std::chrono::sys_days(date) + std::chrono::hours(number(11, 2)) +
                   std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2)));
}

}  // namespace

std::vector<logs::Line> parse_log(std::string_view text, TimePoint otherwise, std::size_t& used) {
  std::vector<logs::Line> out;
  used = 0;
  while (true) {
    const std::size_t end = text.find('\n', used);
    if (end == std::string_view::npos) return out;
    const std::string_view line = text.substr(used, end - used);
    used = end + 1;
    if (const auto time = time_of(line)) {
      out.push_back({*time, std::string(line)});
    } else if (out.empty()) {
      out.push_back({otherwise, std::string(line)});
    } else {
      out.back().text += fmt::format("\n{}", line);
    }
  }
}

void LogExporter::follow(const DbInstance& instance) {
  if (!followed_.insert(instance.resource_id).second) return;
  scope_.spawn("rds-log-export", run(instance.scope(), instance.identifier, instance.resource_id));
}

task<void> LogExporter::run(Scope scope, std::string identifier, std::string resource_id) {
  while (true) {
    const auto row = rds_.tables(scope).instances.get(identifier);
    if (!row || row->value.resource_id != resource_id || row->value.log_exports.empty()) break;
    if (auto done = co_await publish(row->value); !done)
      log::warning("rds", "{}: cannot publish the log: {}", identifier, done.error().message);
    co_await rds_.loop.sleep_for(kPoll);
  }
  followed_.erase(resource_id);
}

task<Result<void>> LogExporter::publish(DbInstance instance) {
  const std::string group = group_of(instance), stream = instance.identifier + ".0";
  const auto folder = host::postgres_log_folder(server_to_ask(rds_, instance));
  // Several instances of one name may have followed each other.
  const std::string follower = fmt::format("{}/{}", kFollower, instance.resource_id);
  std::int64_t position = rds_.logs.follower_position(instance.scope(), group, stream, follower);
  for (const LogFile& file : list_log_files(folder)) {
    const std::int64_t base = *log_file_hour(file.name) << kOffsetBits;
    if (position > base + kMostOffset) continue;  // of a later file already
    while (true) {
      const std::uint64_t offset = std::uint64_t(std::max<std::int64_t>(position - base, 0));
      if (offset >= file.size_bytes) break;
      auto portion = co_await rds_.loop.run_blocking([path = folder / file.name, offset] {
        return read_log_portion(path, offset, kMostPortionLines);
      });
      if (!portion) co_return std::unexpected(portion.error());
      logs::Append append;
      append.scope = instance.scope();
      append.group = group;
      append.stream = stream;
      append.create_group = true;
      std::size_t used = 0;
      append.lines = parse_log(portion->text, file.written_at, used);
      if (used == 0) break;
      append.follower = follower;
      append.position = base + std::int64_t(offset + used);
      position = append.position;
      LF_CO_OK(co_await rds_.logs.append(std::move(append)));
    }
  }
  co_return Result<void>();
}

}  // namespace landfall::rds
