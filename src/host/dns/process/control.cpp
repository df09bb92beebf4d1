#include "host/dns/process/control.h"

#include <csignal>

#include "base/build_version.h"
#include "base/log.h"
#include "io/pid_file.h"
#include "io/process.h"

namespace landfall::host::dns {
namespace fs = std::filesystem;
namespace {

constexpr Millis kLook = std::chrono::milliseconds(500);  // is it still alive?
constexpr Millis kRetry = std::chrono::seconds(1);
constexpr Millis kStartTimeout = std::chrono::seconds(20);
constexpr Millis kApplyTimeout = std::chrono::seconds(10);
constexpr Millis kInForceTimeout = std::chrono::seconds(5);
constexpr Millis kEndTimeout = std::chrono::seconds(5);

}  // namespace

Control::Control(io::Loop& loop, fs::path folder, std::vector<std::string> command)
    : loop_(loop),
      folder_(std::move(folder)),
      command_(std::move(command)),
      poked_(loop),
      applied_(loop),
      tasks_(loop) {
  if (command_.empty()) {
    // The path of the binary, not /proc/self/exe: that would name the shell of whoever starts it.
    std::error_code ignored;
    std::string program = fs::read_symlink("/proc/self/exe", ignored).string();
    if (program.ends_with(" (deleted)")) program = "/proc/self/exe";
    command_ = {std::move(program), "dns"};
  }
  command_.insert(command_.end(), {"--folder", folder_.string()});
  // What is answered now stays so until somebody says otherwise.
  if (auto kept = read_snapshot(folder_)) wanted_ = std::move(*kept);
  if (auto found = read_state(folder_)) state_ = std::move(*found);
  wanted_.revision = std::max(wanted_.revision, state_.revision) + 1;
}

void Control::start() { tasks_.spawn("dns", feed()); }
task<void> Control::stop() { return tasks_.stop(); }

void Control::change() {
  ++wanted_.revision;
  poked_.notify_all();
}

bool Control::alive() const { return io::process_alive(state_.pid, state_.start_time); }

task<bool> Control::in_force(std::int64_t revision) {
  const auto deadline = std::chrono::steady_clock::now() + kInForceTimeout;
  while (state_.revision < revision) {
    const auto left =
        std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
    if (left <= Millis(0) || !co_await applied_.wait_for(left)) co_return false;
  }
  co_return true;
}

task<void> Control::set_names(NameTable names) {
  if (wanted_.names == names) co_return;
  wanted_.names = std::move(names);
  change();
  (void)co_await in_force(wanted_.revision);
}

task<void> Control::set_zones(ZoneTable zones) {
  if (wanted_.zones == zones) co_return;
  wanted_.zones = std::move(zones);
  change();
  (void)co_await in_force(wanted_.revision);
}

task<Result<void>> Control::open(View view, std::string namespace_path, std::vector<Ipv4> addresses,
                                 bool reopen) {
  const std::string id = view.vpc_id;
  OpenView wanted{std::move(view), std::move(namespace_path), std::move(addresses)};
  const auto found = wanted_.views.find(id);
  const bool same = found != wanted_.views.end() && found->second == wanted;
  // The process finds out itself whether a namespace is another one, when it is told anything.
  if (!same || reopen || state_.problems.contains(id)) {
    wanted_.views[id] = std::move(wanted);
    change();
  }
  if (!co_await in_force(wanted_.revision)) {
    co_return fail("dns-not-ready",
                   fmt::format("the process that answers DNS is not ready; see {}",
                               (folder_ / "log").string()),
                   500);
  }
  if (const auto problem = state_.problems.find(id); problem != state_.problems.end())
    co_return fail("dns-not-ready", problem->second, 500);
  co_return Result<void>();
}

task<void> Control::close(std::string vpc_id) {
  if (wanted_.views.erase(vpc_id) == 0) co_return;
  change();
  (void)co_await in_force(wanted_.revision);
}

task<void> Control::keep_only(std::set<std::string> vpc_ids) {
  const auto gone =
      std::erase_if(wanted_.views, [&](const auto& each) { return !vpc_ids.contains(each.first); });
  if (gone == 0) co_return;
  change();
  (void)co_await in_force(wanted_.revision);
}

task<void> Control::feed() {
  while (true) {
    auto done = co_await apply_once();
    if (!done) {
      log::error("dns", "{}", done.error().message);
      co_await loop_.sleep_for(kRetry);
      continue;
    }
    while (state_.revision >= wanted_.revision && (wanted_.views.empty() || alive()))
      (void)co_await poked_.wait_for(kLook);
  }
}

task<Result<void>> Control::apply_once() {
  const std::int64_t revision = wanted_.revision;
  if (wanted_.views.empty() && !alive()) {
    // Nobody asks.
    state_.revision = revision;
    state_.problems.clear();
    applied_.notify_all();
    co_return Result<void>();
  }
  LF_CO_OK(io::make_directories(folder_, 0700));
  if (written_ != revision) {
    LF_CO_OK(co_await loop_.run_blocking(
        [folder = folder_, text = to_text(wanted_)] { return write_snapshot(folder, text); }));
    written_ = revision;
  }
  LF_CO_OK(co_await ensure_running());
  const auto deadline = std::chrono::steady_clock::now() + kApplyTimeout;
  while (state_.revision < revision) {
    if (!alive()) co_return fail("dns-ended", "the process that answers DNS has ended", 500);
    if (std::chrono::steady_clock::now() > deadline)
      co_return fail("timeout", "the process that answers DNS does not adopt what it is told", 500);
    co_await loop_.sleep_for(Millis(2));
    if (auto read = read_state(folder_)) state_ = std::move(*read);
  }
  applied_.notify_all();
  co_return Result<void>();
}

task<Result<void>> Control::ensure_running() {
  if (auto read = read_state(folder_)) state_ = std::move(*read);
  const bool lives = alive();
  if (lives && state_.version == build_version()) co_return Result<void>();
  if (lives) log::info("dns", "process {} is of another build; a new one takes over", state_.pid);
  auto started = io::start_daemon({.argv = command_}, (folder_ / "log").string());
  if (!started) co_return std::unexpected(started.error());
  const auto deadline = std::chrono::steady_clock::now() + kStartTimeout;
  // A server that ended a moment ago may have started one too; they settle which stays.
  while (!alive() || state_.version != build_version()) {
    if (std::chrono::steady_clock::now() > deadline) {
      co_return fail("dns-not-ready",
                     fmt::format("the process that answers DNS does not start; see {}",
                                 (folder_ / "log").string()),
                     500);
    }
    co_await loop_.sleep_for(Millis(5));
    if (auto read = read_state(folder_)) state_ = std::move(*read);
  }
  log::info("dns", "names are answered by process {}", state_.pid);
  co_return Result<void>();
}

task<void> Control::end() {
  const auto process = io::read_pid_file(folder_ / "pid");
  if (!process) co_return;
  const auto deadline = std::chrono::steady_clock::now() + kEndTimeout;
  for (int signal = SIGTERM; io::process_alive(process->pid, process->start_time);) {
    if (signal != 0) ::kill(process->pid, signal);
    signal = std::chrono::steady_clock::now() > deadline ? SIGKILL : 0;
    co_await loop_.sleep_for(Millis(5));
  }
}

}  // namespace landfall::host::dns
