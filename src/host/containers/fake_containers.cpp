#include "host/containers/fake_containers.h"

#include <csignal>

namespace landfall::host {

namespace {
std::unexpected<Error> unknown(const std::string& id) {
  return fail("container-unknown", fmt::format("there is no container {}", id), 404);
}
std::unexpected<Error> not_running(const std::string& id) {
  return fail("container-not-running", fmt::format("container {} is not running", id), 409);
}
}  // namespace

std::optional<Error> FakeContainers::take_failure(const std::string& id) {
  const auto found = failures_.find(id);
  if (found == failures_.end()) return std::nullopt;
  Error error = std::move(found->second);
  failures_.erase(found);
  return error;
}

void FakeContainers::exit(const std::string& id, ExitStatus status) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.info.state == ContainerState::exited) return;
  if (status.at == TimePoint{}) status.at = clock_.now();
  found->second.info.state = ContainerState::exited;
  found->second.info.pid = 0;
  found->second.info.exit = std::move(status);
  changed_.notify_all();
}

std::optional<ContainerSpec> FakeContainers::spec(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second.spec;
}

task<Result<ContainerInfo>> FakeContainers::create(ContainerSpec spec) {
  calls_.push_back("create " + spec.id);
  if (auto failure = take_failure(spec.id)) co_return std::unexpected(std::move(*failure));
  auto [at, made] = entries_.try_emplace(spec.id);
  Entry& entry = at->second;
  if (made) {
    entry.info.id = spec.id;
    entry.info.group = spec.group;
    entry.info.labels = spec.labels;
    entry.info.image_digest = spec.image;
    entry.info.state = ContainerState::created;
    entry.info.created_at = clock_.now();
    entry.spec = std::move(spec);
  }
  co_return entry.info;
}

task<Result<ContainerInfo>> FakeContainers::start(std::string id) {
  calls_.push_back("start " + id);
  if (auto failure = take_failure(id)) co_return std::unexpected(std::move(*failure));
  const auto found = entries_.find(id);
  if (found == entries_.end()) co_return unknown(id);
  ContainerInfo& info = found->second.info;
  if (info.state == ContainerState::created) {
    info.state = ContainerState::running;
    info.pid = next_pid_++;
    info.started_at = clock_.now();
  }
  co_return info;
}

task<Result<void>> FakeContainers::signal(std::string id, int signal) {
  calls_.push_back(fmt::format("signal {} {}", id, signal));
  const auto found = entries_.find(id);
  if (found == entries_.end()) co_return unknown(id);
  if (found->second.info.state != ContainerState::running) co_return not_running(id);
  if (signal == SIGKILL || !ignore_stop_signal) {
    exit(id, ExitStatus{.code = 128 + signal, .signal = signal});
  }
  co_return Result<void>{};
}

task<Result<ExitStatus>> FakeContainers::stop(std::string id, Millis) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) co_return unknown(id);
  if (found->second.info.state == ContainerState::running) {
    const std::string& name = found->second.spec.stop_signal;
    LF_CO_TRY(number, parse_signal(name.empty() ? "SIGTERM" : name));
    co_await signal(id, number);
    if (ignore_stop_signal) co_await signal(id, SIGKILL);
  } else if (found->second.info.state != ContainerState::exited) {
    exit(id, ExitStatus{.code = 137, .signal = SIGKILL});
  }
  co_return co_await wait(id);
}

task<Result<ExitStatus>> FakeContainers::wait(std::string id) {
  for (;;) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) co_return unknown(id);
    if (found->second.info.exit) co_return *found->second.info.exit;
    co_await changed_.wait();
  }
}

task<Result<ExecResult>> FakeContainers::exec(std::string id, ExecRequest request) {
  calls_.push_back("exec " + id);
  if (auto failure = take_failure(id)) co_return std::unexpected(std::move(*failure));
  const auto found = entries_.find(id);
  if (found == entries_.end()) co_return unknown(id);
  if (found->second.info.state != ContainerState::running) co_return not_running(id);
  if (on_exec) co_return on_exec(id, request);
  co_return ExecResult{};
}

Result<ContainerStats> FakeContainers::stats(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return unknown(id);
  if (found->second.info.state != ContainerState::running) return not_running(id);
  return stats_[id];
}

std::optional<ContainerInfo> FakeContainers::find(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second.info;
}

std::vector<ContainerInfo> FakeContainers::list() const {
  std::vector<ContainerInfo> out;
  for (const auto& [id, entry] : entries_) out.push_back(entry.info);
  return out;
}

task<Result<void>> FakeContainers::remove(std::string id) {
  calls_.push_back("remove " + id);
  entries_.erase(id);
  changed_.notify_all();
  co_return Result<void>{};
}

}  // namespace landfall::host
