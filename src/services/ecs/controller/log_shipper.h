// The awslogs driver: a container's lines go to its log stream, in order, each of them once.
//
// conmon writes the lines to disk whether we run or not. How far a log has been shipped (its byte
// position) is kept by CloudWatch Logs together with the lines themselves, so a crash at any moment
// neither loses nor repeats one.
#pragma once

#include <map>
#include <memory>

#include "services/ecs/store.h"
#include "services/logs/port.h"

namespace landfall::ecs {

struct LogTarget {
  Scope scope;  // of the log group: its region may be another one
  std::string group;
  std::string stream;
  bool create_group = false;
};

// Where a container's awslogs options point. None: it has no log driver.
std::optional<LogTarget> log_target(const Scope& scope, const TaskRecord& task,
                                    const ContainerDefinition& container);

class LogShipper {
 public:
  LogShipper(io::Loop& loop, logs::Port& logs) : loop_(loop), logs_(logs), scope_(loop) {}

  // Begins to follow `log_path` unless that is under way. id: the container's host id.
  void follow(const std::string& id, const std::string& log_path, const LogTarget& target);
  // Ships what is left of a container that has ended and stops following. Error "timeout": the rest
  // is given up.
  task<Result<void>> finish(std::string id, Millis timeout);
  task<void> stop() { return scope_.stop(); }

 private:
  struct Stream;
  task<void> run(std::string id, std::shared_ptr<Stream> stream);
  task<void> ship(std::string id, std::shared_ptr<Stream> stream, logs::Append append);
  task<Result<void>> wait_shipped(std::shared_ptr<Stream> stream);

  io::Loop& loop_;
  logs::Port& logs_;
  std::map<std::string, std::shared_ptr<Stream>> streams_;
  io::TaskScope scope_;
};

// The last lines of a container's log, at most `count`, each cut to 500 bytes; none when it cannot
// be read.
std::vector<std::string> last_lines(const std::string& log_path, std::size_t count);

}  // namespace landfall::ecs
