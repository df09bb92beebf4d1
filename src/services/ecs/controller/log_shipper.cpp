#include "services/ecs/controller/log_shipper.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "host/containers/log_follower.h"
#include "io/files.h"

namespace landfall::ecs {
namespace {

constexpr Millis kRetry = std::chrono::seconds(2);
constexpr std::uint64_t kTailBytes = 16 << 10;
constexpr std::size_t kTailLine = 500;

std::string follower_name(const std::string& id) { return "ecs/" + id; }

}  // namespace

struct LogShipper::Stream {
  Stream(io::Loop& loop, host::LogFollower of, LogTarget to)
      : follower(std::move(of)), target(std::move(to)), changed(loop) {}
  host::LogFollower follower;
  LogTarget target;
  bool given_up = false;
  bool done = false;
  io::Event changed;
};

std::optional<LogTarget> log_target(const Scope& scope, const TaskRecord& task,
                                    const ContainerDefinition& container) {
  if (!container.log_configuration) return {};
  const auto& options = container.log_configuration->options;
  auto option = [&](const char* name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
  };
  LogTarget target;
  target.scope = {scope.account, option("awslogs-region")};
  target.group = option("awslogs-group");
  target.stream = fmt::format("{}/{}/{}", option("awslogs-stream-prefix"),
                              container.name.value_or(""), task.id);
  target.create_group = option("awslogs-create-group") == "true";
  return target;
}

void LogShipper::follow(const std::string& id, const std::string& log_path,
                        const LogTarget& target) {
  if (streams_.contains(id)) return;
  const std::int64_t position =
      logs_.follower_position(target.scope, target.group, target.stream, follower_name(id));
  auto follower = host::LogFollower::open(
      loop_, log_path, static_cast<std::uint64_t>(std::max<std::int64_t>(position, 0)));
  if (!follower) {
    log::warning("ecs", "the log of container {} cannot be followed: {}", id,
                 follower.error().message);
    return;
  }
  auto stream = std::make_shared<Stream>(loop_, std::move(*follower), target);
  streams_[id] = stream;
  scope_.spawn("log of " + id, run(id, stream));
}

// Until the lines are kept, or nobody waits for them any more.
task<void> LogShipper::ship(std::string id, std::shared_ptr<Stream> stream, logs::Append append) {
  while (!stream->given_up) {
    auto kept = co_await logs_.append(append);
    if (kept) {
      // The tail stays for those who ask why the container ended.
      const auto position = static_cast<std::uint64_t>(append.position);
      if (position > kTailBytes) stream->follower.discard_until(position - kTailBytes);
      co_return;
    }
    log::warning("ecs", "lines of {} do not reach log group {}: {}", id, append.group,
                 kept.error().message);
    co_await stream->changed.wait_for(kRetry);
  }
}

task<void> LogShipper::run(std::string id, std::shared_ptr<Stream> stream) {
  while (!stream->given_up) {
    auto lines = co_await stream->follower.next();
    if (!lines)
      log::warning("ecs", "the log of container {} cannot be read: {}", id, lines.error().message);
    if (!lines || lines->empty()) break;
    logs::Append append;
    append.scope = stream->target.scope;
    append.group = stream->target.group;
    append.stream = stream->target.stream;
    append.create_group = stream->target.create_group;
    append.follower = follower_name(id);
    append.position = static_cast<std::int64_t>(lines->back().next_offset);
    TimePoint latest{};
    for (host::LogLine& line : *lines) {
      // The two streams' lines may be off by a moment; an event is never older than the one before.
      latest = std::max(latest, from_unix_ms(line.time_ns / 1'000'000));
      append.lines.push_back({latest, std::move(line.text)});
    }
    co_await ship(id, stream, std::move(append));
  }
  stream->done = true;
  stream->changed.notify_all();
}

task<Result<void>> LogShipper::wait_shipped(std::shared_ptr<Stream> stream) {
  while (!stream->done) co_await stream->changed.wait();
  co_return Result<void>();
}

task<Result<void>> LogShipper::finish(std::string id, Millis timeout) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) co_return Result<void>();
  const std::shared_ptr<Stream> stream = found->second;
  stream->follower.finish();
  auto shipped = co_await io::with_timeout(loop_, timeout, wait_shipped(stream));
  stream->given_up = true;
  stream->changed.notify_all();
  streams_.erase(id);
  co_return shipped;
}

std::vector<std::string> last_lines(const std::string& log_path, std::size_t count) {
  const io::Fd file(::open(log_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(kTailBytes));
  std::string bytes(static_cast<std::size_t>(std::max<off_t>(size - from, 0)), '\0');
  const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), from);
  bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (from > 0) bytes.erase(0, bytes.find('\n') + 1);
  host::LogLineParser parser(0);
  std::vector<host::LogLine> lines;
  parser.feed(bytes, lines);
  parser.finish(lines);
  std::vector<std::string> out;
  for (std::size_t i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i)
    out.push_back(lines[i].text.substr(0, kTailLine));
  return out;
}

}  // namespace landfall::ecs
