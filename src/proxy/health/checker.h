// Checks the targets of every group that is in use, each at its interval, in a thread of its own;
// writes what it finds into the targets' states and publishes the groups' lists.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "proxy/engine/compiled.h"
#include "proxy/health/probe.h"

namespace landfall::proxy {

class HealthChecker {
 public:
  HealthChecker();
  ~HealthChecker();

  // Called for every new configuration, before it is in force. Targets that stay keep their state.
  void adopt(std::shared_ptr<const CompiledConfig> config);
  // What a predecessor found, for the next adopt().
  void inherit(const std::vector<TargetHealth>& found);
  std::vector<TargetHealth> report() const;

 private:
  struct Group;
  struct Check;
  void run();
  void begin(Check& check);
  void end(Check& check);
  void take_result(Check& check);
  void schedule(Check& check, std::int64_t at_ms);
  void update_group(const CompiledGroup& compiled, const CompiledBalancer& from);
  static void log_result(const Check& check, const CheckResult& result);
  void end_slow_starts(std::int64_t now_ms);
  int wait_ms() const;

  int epoll_;
  int wake_;
  mutable std::mutex mutex_;  // guards all that follows
  bool stopping_ = false;
  std::shared_ptr<const CompiledConfig> config_;
  std::map<std::string, std::unique_ptr<Group>> groups_;
  std::map<const TargetState*, std::unique_ptr<Check>> checks_;
  std::multimap<std::int64_t, Check*> due_;  // next begin, or the end of patience
  std::map<std::string, Health> inherited_;
  NamespaceVisitor visitor_;  // of the thread
  std::thread thread_;
};

}  // namespace landfall::proxy
