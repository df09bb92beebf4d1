#include "services/ecs/controller/log_shipper.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "io/files.h"
#include "services/ecs/controller/container_log.h"

namespace landfall::ecs {
namespace {

constexpr std::size_t kPiece = 256 << 10;
constexpr Millis kBusyPoll = Millis(100);
constexpr Millis kIdlePoll = Millis(500);
constexpr Millis kRetry = std::chrono::seconds(2);

std::string follower(const std::string& id) { return "ecs/" + id; }

}  // namespace

struct LogShipper::Stream {
  explicit Stream(io::Loop& loop) : changed(loop) {}
  std::string path;
  LogTarget target;
  io::Fd file;
  std::int64_t position = 0;  // in the file: what is before has been shipped
  std::string bytes;          // read from there on
  bool at_end = false;        // the last read found nothing more
  bool finishing = false;     // the container has ended
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
  auto& stream = streams_[id];
  if (stream) return;
  stream = std::make_shared<Stream>(loop_);
  stream->path = log_path;
  stream->target = target;
  stream->position =
      logs_.follower_position(target.scope, target.group, target.stream, follower(id));
  scope_.spawn("log of " + id, run(id, stream));
}

// Ships one piece: whole lines only, so that a restart finds whole lines.
task<Result<void>> LogShipper::ship(std::string id, std::shared_ptr<Stream> stream) {
  stream->at_end = true;
  if (!stream->file) {
    stream->file = io::Fd(::open(stream->path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!stream->file) co_return Result<void>();  // nothing has been written yet
  }
  const std::size_t kept = stream->bytes.size();
  stream->bytes.resize(kept + kPiece);
  const ssize_t got = ::pread(stream->file.get(), stream->bytes.data() + kept, kPiece,
                              stream->position + static_cast<off_t>(kept));
  stream->bytes.resize(kept + (got > 0 ? static_cast<std::size_t>(got) : 0));
  stream->at_end = got <= 0;
  ParsedLog parsed = parse_log(stream->bytes, stream->at_end && stream->finishing);
  if (parsed.whole_bytes == 0) co_return Result<void>();
  parsed.lines.resize(parsed.whole_lines);
  // The two streams' lines may be off by a moment; an event is never older than the one before it.
  for (std::size_t i = 1; i < parsed.lines.size(); ++i)
    parsed.lines[i].time = std::max(parsed.lines[i].time, parsed.lines[i - 1].time);
  logs::Append append;
  append.scope = stream->target.scope;
  append.group = stream->target.group;
  append.stream = stream->target.stream;
  append.create_group = stream->target.create_group;
  append.follower = follower(id);
  append.position = stream->position + static_cast<std::int64_t>(parsed.whole_bytes);
  for (OutputLine& line : parsed.lines) append.lines.push_back({line.time, std::move(line.text)});
  if (!append.lines.empty()) LF_CO_OK(co_await logs_.append(std::move(append)));
  stream->position += static_cast<std::int64_t>(parsed.whole_bytes);
  stream->bytes.erase(0, parsed.whole_bytes);
  co_return Result<void>();
}

task<void> LogShipper::run(std::string id, std::shared_ptr<Stream> stream) {
  Millis pause = kBusyPoll;
  while (!stream->given_up) {
    const bool finishing = stream->finishing;
    auto shipped = co_await ship(id, stream);
    if (!shipped) {
      log::warning("ecs", "lines of {} do not reach log group {}: {}", id, stream->target.group,
                   shipped.error().message);
      co_await stream->changed.wait_for(kRetry);
      continue;
    }
    if (stream->at_end && finishing) break;
    pause = stream->at_end ? std::min(pause * 2, kIdlePoll) : kBusyPoll;
    if (stream->at_end) {
      co_await stream->changed.wait_for(pause);
    } else {
      co_await loop_.yield();
    }
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
  stream->finishing = true;
  stream->changed.notify_all();
  auto shipped = co_await io::with_timeout(loop_, timeout, wait_shipped(stream));
  stream->given_up = true;
  stream->changed.notify_all();
  streams_.erase(id);
  co_return shipped;
}

}  // namespace landfall::ecs
