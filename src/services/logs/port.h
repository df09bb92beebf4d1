// What other services may ask of CloudWatch Logs: to keep the lines of their containers and
// servers.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::logs {

struct Line {
  TimePoint time{};
  std::string text;  // without its line break; UTF-8 is made of anything else
};

struct Append {
  Scope scope;
  std::string group;
  std::string stream;
  std::vector<Line> lines;
  bool create_group = false;  // awslogs-create-group; the stream is always created
  // Who follows what: "ecs/CONTAINER/stdout". With `position`, where it goes on after these lines,
  // kept together with them on disk: a follower that starts again asks follower_position() and
  // neither loses nor repeats a line. Lines whose position is not beyond the kept one are dropped.
  std::string follower = {};
  std::int64_t position = 0;
};

class Port {
 public:
  virtual ~Port() = default;
  virtual bool group_exists(const Scope& scope, const std::string& group) const = 0;
  // Existing is success.
  virtual task<Result<void>> ensure_group(Scope scope, std::string group) = 0;
  virtual task<Result<void>> ensure_stream(Scope scope, std::string group, std::string stream) = 0;
  // Durable when it returns. Errors: "ResourceNotFoundException" (no such group), "disk-full",
  // "logs-busy" (too much waits for the disk; try again), "logs-failed".
  virtual task<Result<void>> append(Append append) = 0;
  // 0: never seen.
  virtual std::int64_t follower_position(const Scope& scope, const std::string& group,
                                         const std::string& stream,
                                         const std::string& follower) const = 0;
};

}  // namespace landfall::logs
