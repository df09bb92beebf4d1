#include "proxy/control.h"

#include <csignal>

#include "base/build_version.h"
#include "base/log.h"
#include "io/pid_file.h"
#include "io/process.h"
#include "proxy/last_metrics.h"

namespace landfall::proxy {
namespace fs = std::filesystem;
namespace {

constexpr Millis kCallTimeout = std::chrono::seconds(10);
// Certificates are parsed and sockets opened meanwhile.
constexpr Millis kApplyTimeout = std::chrono::seconds(60);
constexpr Millis kStartTimeout = std::chrono::seconds(10);

Result<ControlAnswer> exchange(const fs::path& socket_path, const std::string& request,
                               Millis timeout) {
  LF_TRY(connection, connect_control(socket_path, timeout));
  LF_OK(write_frame(connection.get(), request));
  LF_TRY(text, read_frame(connection.get()));
  LF_TRY(answer, record::from_text<ControlAnswer>(text));
  if (answer.problem) return fail(answer.problem->code, answer.problem->message, 500);
  return std::move(answer);
}

template <class T>
Result<T> member(Result<ControlAnswer>& answer, std::optional<T> ControlAnswer::* which) {
  if (!answer) return std::unexpected(std::move(answer).error());
  if (!((*answer).*which)) {
    return fail("answer-unreadable", "the load balancer's process answers something else", 500);
  }
  return std::move(*((*answer).*which));
}

}  // namespace

Control::Control(io::Loop& loop, fs::path folder, std::string program)
    : loop_(loop), folder_(std::move(folder)), program_(std::move(program)) {
  // The path of the binary, not /proc/self/exe: that would name the shell of whoever starts it.
  if (program_.empty()) {
    std::error_code ignored;
    program_ = fs::read_symlink("/proc/self/exe", ignored).string();
    // The kernel says so when the binary was replaced while we run.
    if (program_.ends_with(" (deleted)")) program_ = "/proc/self/exe";
  }
}

task<Result<ControlAnswer>> Control::call(ControlRequest request, Millis timeout) {
  co_return co_await loop_.run_blocking([path = folder_ / "control",
                                         text = record::to_text(request),
                                         timeout] { return exchange(path, text, timeout); });
}

task<Result<Status>> Control::ensure_running() {
  LF_CO_OK(io::make_directories(folder_, 0700));
  auto found = co_await status();
  if (found && found->version == build_version() && !found->draining) co_return found;
  if (!found && found.error().code != "not-running") co_return found;
  if (found) {
    log::info("proxy", "process {} is of another build; a new one takes over", found->pid);
  }
  LF_CO_TRY(started, io::start_daemon({.argv = {program_, "proxy", "--folder", folder_.string()}},
                                      (folder_ / "log").string()));
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  while (true) {
    auto answer = co_await status();
    if (answer && answer->pid == started) co_return answer;
    if (std::chrono::steady_clock::now() > deadline) {
      co_return fail("proxy-does-not-start",
                     fmt::format("the load balancer's process does not answer; see {}",
                                 (folder_ / "log").string()),
                     500);
    }
    co_await loop_.sleep_for(Millis(20));
  }
}

task<Result<Applied>> Control::apply(std::shared_ptr<const Snapshot> snapshot) {
  auto answer = co_await call({.operation = "apply", .snapshot = *snapshot}, kApplyTimeout);
  co_return member(answer, &ControlAnswer::applied);
}

task<Result<HealthReport>> Control::target_health() {
  auto answer = co_await call({.operation = "target-health"}, kCallTimeout);
  co_return member(answer, &ControlAnswer::health);
}

task<Result<Metrics>> Control::metrics() {
  auto answer = co_await call({.operation = "metrics"}, kCallTimeout);
  co_return member(answer, &ControlAnswer::metrics);
}

task<Result<std::vector<Metrics>>> Control::all_metrics() {
  // Files first: a process that hands over in between is then found by its successor's next reader.
  std::vector<Metrics> out = co_await loop_.run_blocking(
      [folder = folder_ / kLastMetrics] { return read_last_metrics(folder); });
  auto running = co_await metrics();
  if (!running && running.error().code != "not-running") co_return std::unexpected(running.error());
  if (running) {
    std::erase_if(out, [&](const Metrics& each) { return each.boot == running->boot; });
    out.push_back(std::move(*running));
  }
  co_return out;
}

task<void> Control::forget_ended(std::vector<Metrics> read) {
  co_await loop_.run_blocking([folder = folder_ / kLastMetrics, read = std::move(read)] {
    std::error_code ignored;
    for (const Metrics& each : read)
      if (each.ended) fs::remove(folder / each.boot, ignored);
  });
}

task<Result<Status>> Control::status() {
  auto answer = co_await call({.operation = "status"}, kCallTimeout);
  co_return member(answer, &ControlAnswer::status);
}

task<Result<void>> Control::stop(Millis drain) {
  const auto process = io::read_pid_file(folder_ / "pid");
  auto answer = co_await call(
      {.operation = "stop", .seconds = static_cast<int>(drain.count() / 1000)}, kCallTimeout);
  if (!process) co_return Result<void>();  // no file, no process
  const auto deadline = std::chrono::steady_clock::now() + drain + std::chrono::seconds(2);
  while (io::process_alive(process->pid, process->start_time)) {
    if (std::chrono::steady_clock::now() > deadline) ::kill(process->pid, SIGKILL);
    co_await loop_.sleep_for(Millis(10));
  }
  co_return Result<void>();
}

}  // namespace landfall::proxy
