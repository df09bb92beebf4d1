// The port of the service, and its housekeeping: retention, and what a crash left of deleted
// groups.
#pragma once

#include "services/logs/port.h"
#include "services/logs/service.h"

namespace landfall::logs {

class LogsPort final : public Port {
 public:
  explicit LogsPort(Logs& logs) : logs_(logs) {}
  bool group_exists(const Scope& scope, const std::string& group) const override;
  task<Result<void>> ensure_group(Scope scope, std::string group) override;
  task<Result<void>> ensure_stream(Scope scope, std::string group, std::string stream) override;
  task<Result<void>> append(Append append) override;
  std::int64_t follower_position(const Scope& scope, const std::string& group,
                                 const std::string& stream,
                                 const std::string& follower) const override;

 private:
  Logs& logs_;
};

class Housekeeping {
 public:
  Housekeeping(io::Loop& loop, Logs& logs, Millis every = std::chrono::minutes(10))
      : loop_(loop), logs_(logs), every_(every), scope_(loop) {}
  void start();
  task<void> stop() { return scope_.stop(); }
  // Once; what start() does again and again.
  task<void> sweep();

 private:
  task<void> run();
  io::Loop& loop_;
  Logs& logs_;
  Millis every_;
  io::TaskScope scope_;
};

// Invalid bytes become U+FFFD.
std::string to_valid_utf8(std::string_view bytes);

}  // namespace landfall::logs
