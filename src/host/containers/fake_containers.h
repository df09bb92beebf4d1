// Containers in memory, for unit tests of what uses them. Nothing runs: tests decide when and how a
// container exits.
#pragma once

#include "host/containers/containers.h"

namespace landfall::host {

class FakeContainers final : public Containers {
 public:
  FakeContainers(io::Loop& loop, const Clock& clock) : clock_(clock), changed_(loop) {}

  // --- What tests do and see.
  // The container ends by itself.
  void exit(const std::string& id, ExitStatus status);
  // The next create(), start() or exec() of this container fails so; once.
  void fail_next(const std::string& id, Error error) { failures_[id] = std::move(error); }
  // What exec() gives; default: exit code 0 without output.
  std::function<Result<ExecResult>(const std::string& id, const ExecRequest&)> on_exec;
  // Containers ignore their stop signal, so stop() needs its SIGKILL.
  bool ignore_stop_signal = false;
  std::optional<ContainerSpec> spec(const std::string& id) const;
  // "create a", "start a", "signal a 15", "exec a", "remove a", in the order they came.
  const std::vector<std::string>& calls() const { return calls_; }
  void set_stats(const std::string& id, ContainerStats stats) { stats_[id] = stats; }

  // --- Containers
  task<Result<ContainerInfo>> create(ContainerSpec spec) override;
  task<Result<ContainerInfo>> start(std::string id) override;
  task<Result<void>> signal(std::string id, int signal) override;
  task<Result<ExitStatus>> stop(std::string id, Millis grace) override;
  task<Result<ExitStatus>> wait(std::string id) override;
  task<Result<ExecResult>> exec(std::string id, ExecRequest request) override;
  Result<ContainerStats> stats(const std::string& id) override;
  std::optional<ContainerInfo> find(const std::string& id) const override;
  std::vector<ContainerInfo> list() const override;
  task<Result<void>> remove(std::string id) override;

 private:
  struct Entry {
    ContainerSpec spec;
    ContainerInfo info;
  };
  std::optional<Error> take_failure(const std::string& id);

  const Clock& clock_;
  io::Event changed_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Error> failures_;
  std::map<std::string, ContainerStats> stats_;
  std::vector<std::string> calls_;
  int next_pid_ = 1000;
};

}  // namespace landfall::host
