#include "host/dns/process/run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "base/build_version.h"
#include "base/log.h"
#include "host/dns/process/snapshot.h"
#include "io/fd_watch.h"
#include "io/pid_file.h"
#include "io/process.h"

namespace landfall::host::dns {
namespace fs = std::filesystem;
namespace {

constexpr Millis kUpstreamInterval = std::chrono::seconds(5);
constexpr Millis kPredecessorEnds = std::chrono::seconds(5);

class Process {
 public:
  Process(io::Loop& loop, ProcessOptions options)
      : loop_(loop), options_(std::move(options)), server_(loop, {.port = options_.port}) {}

  task<Result<void>> start() {
    LF_CO_TRY(watch, watch_folder(options_.folder));
    watch_.emplace(loop_, std::move(watch));
    LF_CO_TRY(start_time, io::process_start_time(::getpid()));
    state_.version = build_version();
    state_.pid = ::getpid();
    state_.start_time = start_time;
    read_upstreams();
    // One successor at a time: the next finds this one in the pid file.
    const auto turn =
        co_await loop_.run_blocking([folder = options_.folder] { return lock(folder); });
    if (!turn) co_return std::unexpected(turn.error());
    co_await reload();
    co_await end_predecessor();
    LF_CO_OK(io::write_pid_file(options_.folder / "pid"));
    co_return write_state(options_.folder, state_);
  }

  // Until the folder is gone.
  task<void> follow_snapshots() {
    while (true) {
      co_await watch_->readable();
      if (!snapshot_replaced(watch_->get()) || !co_await reload()) continue;
      if (auto told = write_state(options_.folder, state_); !told) {
        log::info("dns", "{}; process {} ends", told.error().message, ::getpid());
        ::raise(SIGTERM);
        co_return;
      }
    }
  }

  task<void> follow_upstreams() {
    while (true) {
      co_await loop_.sleep_for(kUpstreamInterval);
      read_upstreams();
    }
  }

  task<void> stop() { return server_.stop(); }

 private:
  struct Open {
    ino_t inode = 0;  // of its namespace: another one under the same name is another network
    std::vector<Ipv4> addresses;
  };

  static Result<io::Fd> lock(const fs::path& folder) {
    io::Fd file(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) return fail_errno("open " + (folder / "lock").string(), errno);
    while (::flock(file.get(), LOCK_EX) < 0)
      if (errno != EINTR) return fail_errno("lock", errno);
    return file;
  }

  void read_upstreams() {
    const auto text = io::read_file(options_.resolv_conf, 64 << 10);
    if (text) server_.set_upstreams(upstreams_of(*text));
  }

  // False: nothing new, and the folder is there.
  task<bool> reload() {
    const auto snapshot = read_snapshot(options_.folder);
    std::error_code ignored;
    if (!snapshot) {
      if (fs::exists(options_.folder / "snapshot", ignored))
        log::warning("dns", "the snapshot cannot be read: {}", snapshot.error().message);
      co_return !fs::exists(options_.folder, ignored);
    }
    if (snapshot->revision == state_.revision) co_return false;
    co_await server_.set_names(snapshot->names);
    co_await server_.set_zones(snapshot->zones);
    std::set<std::string> wanted;
    for (const auto& [id, view] : snapshot->views) wanted.insert(id);
    co_await server_.keep_only(wanted);
    std::erase_if(open_, [&](const auto& each) { return !wanted.contains(each.first); });
    state_.problems.clear();
    for (const auto& [id, view] : snapshot->views) {
      const auto opened = co_await open(id, view);
      if (opened) continue;
      log::warning("dns", "in {}: {}", id, opened.error().message);
      state_.problems[id] = opened.error().message;
      open_.erase(id);
      co_await server_.close(id);
    }
    state_.revision = snapshot->revision;
    co_return true;
  }

  task<Result<void>> open(std::string id, OpenView wanted) {
    struct stat found{};
    const std::string& path = wanted.network_namespace;
    if (!path.empty() && ::stat(path.c_str(), &found) < 0)
      co_return fail_errno("find " + path, errno);
    const auto before = open_.find(id);
    const bool reopen = before != open_.end() && (before->second.inode != found.st_ino ||
                                                  before->second.addresses != wanted.addresses);
    LF_CO_OK(co_await server_.open(std::move(wanted.view), path, wanted.addresses, reopen));
    open_[id] = {found.st_ino, wanted.addresses};
    co_return Result<void>();
  }

  // Everything is open beside its sockets: what comes from here on comes to this process.
  task<void> end_predecessor() {
    const auto other = io::read_pid_file(options_.folder / "pid");
    if (!other || other->pid == ::getpid()) co_return;
    const auto deadline = std::chrono::steady_clock::now() + kPredecessorEnds;
    for (int signal = SIGTERM; io::process_alive(other->pid, other->start_time);) {
      if (signal != 0) ::kill(other->pid, signal);
      signal = std::chrono::steady_clock::now() > deadline ? SIGKILL : 0;
      co_await loop_.sleep_for(Millis(5));
    }
  }

  io::Loop& loop_;
  ProcessOptions options_;
  Server server_;
  std::optional<io::FdWatch> watch_;
  State state_;
  std::map<std::string, Open> open_;  // by VPC
};

}  // namespace

task<Result<void>> run_process(io::Loop& loop, ProcessOptions options) {
  Process process(loop, std::move(options));
  auto started = co_await process.start();
  if (started) {
    log::info("dns", "process {} answers", ::getpid());
    io::TaskScope tasks(loop);
    tasks.spawn("dns snapshots", process.follow_snapshots());
    tasks.spawn("dns upstreams", process.follow_upstreams());
    co_await loop.wait_for_termination();
    co_await tasks.stop();
  }
  co_await process.stop();
  co_return started;
}

}  // namespace landfall::host::dns
