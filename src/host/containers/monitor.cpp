#include "host/containers/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/record.h"
#include "io/fd_watch.h"
#include "io/net.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr Millis kCreateTimeout = std::chrono::seconds(60);
constexpr int kSyncFd = 3, kStartFd = 4;

const char* find_program(std::initializer_list<const char*> candidates) {
  for (const char* path : candidates) {
    if (::access(path, X_OK) == 0) return path;
  }
  return nullptr;
}

struct Pipe {
  io::Fd read, write;
};
Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe", errno);
  return Pipe{io::Fd(fds[0]), io::Fd(fds[1])};
}

// conmon takes its pipes by number: `sync` becomes 3, `start` becomes 4, nothing else is inherited.
Result<int> spawn(const std::vector<std::string>& argv, const io::Fd& sync, const io::Fd& start,
                  const fs::path& bundle, const fs::path& errors) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // conmon notes out-of-memory kills in its working directory.
  posix_spawn_file_actions_addchdir_np(&files, bundle.c_str());
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&files, 0, 1);
  posix_spawn_file_actions_addopen(&files, 2, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  // Numbers above both targets first, so that neither overwrites the other.
  posix_spawn_file_actions_adddup2(&files, sync.get(), 20);
  posix_spawn_file_actions_adddup2(&files, start.get(), 21);
  posix_spawn_file_actions_adddup2(&files, 20, kSyncFd);
  posix_spawn_file_actions_adddup2(&files, 21, kStartFd);
  posix_spawn_file_actions_addclosefrom_np(&files, kStartFd + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // Nothing of our environment: it may hold credentials.
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string sync_variable = fmt::format("_OCI_SYNCPIPE={}", kSyncFd);
  std::string start_variable = fmt::format("_OCI_STARTPIPE={}", kStartFd);
  char* environment[] = {path.data(), sync_variable.data(), start_variable.data(), nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, words[0], &files, &attributes, words.data(), environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error) return fail_errno("start conmon", error);
  return pid;
}

std::string first_line_of(const fs::path& file) {
  std::string text = io::read_file(file).value_or("");
  return text.substr(0, text.find('\n'));
}

// runc's own last words; its log has one JSON object a line.
std::string runc_message(const fs::path& log) {
  const std::string text = io::read_file(log).value_or("");
  std::string message;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    boost::system::error_code error;
    const json::value line = json::parse(json::string_view(rest.data(), end), error);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (error || !line.is_object()) continue;
    const json::value* level = line.get_object().if_contains("level");
    const json::value* said = line.get_object().if_contains("msg");
    if (level && *level == "error" && said && said->is_string()) message = said->get_string();
  }
  return message;
}

Result<int> read_pid(const fs::path& file) {
  LF_TRY(text, io::read_file(file));
  int pid = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), pid).ec != std::errc() || pid <= 1) {
    return fail("runtime-failed", fmt::format("{} holds no process id", file.string()), 500);
  }
  return pid;
}

}  // namespace

Error runtime_error(std::string_view message) {
  const auto says = [&](std::string_view what) { return message.find(what) != message.npos; };
  std::string text(message);
  // runc tells its whole call chain; the last link is the news.
  for (const std::string_view prefix :
       {"runc create failed: ", "unable to start container process: ", "OCI runtime error: "}) {
    if (const std::size_t at = text.find(prefix); at != std::string::npos) {
      text.erase(0, at + prefix.size());
    }
  }
  if (says("executable file not found") || says("no such file or directory: unknown") ||
      (says("exec: ") && says("no such file or directory"))) {
    return {"command-not-found", text};
  }
  if (says("exec format error")) return {"exec-format", text};
  if (says("exec: ") && (says("permission denied") || says("is a directory"))) {
    return {"command-not-executable", text};
  }
  if (says("chdir to cwd") || says("mkdir cwd")) return {"working-directory-invalid", text};
  if (says("error setting rlimit") || says("unable to apply cgroup configuration") ||
      says("failed to write") || says("cgroup")) {
    return {"limits-refused", text, 500};
  }
  if (says("no space left on device")) return {"disk-full", text, 507};
  if (says("error mounting")) return {"mount-invalid", text};
  return {"runtime-failed", text, 500};
}

task<Result<MonitorStarted>> start_monitor(io::Loop& loop, std::string id, MonitorPaths paths,
                                           std::string network_namespace,
                                           std::function<Result<void>(int)> place) {
  const char* conmon = find_program({"/usr/bin/conmon", "/usr/libexec/podman/conmon",
                                     "/usr/local/bin/conmon", "/usr/lib/podman/conmon"});
  const char* runc = find_program({"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc"});
  if (!conmon || !runc) {
    co_return fail("program-missing",
                   fmt::format("the program '{}' is not installed", conmon ? "runc" : "conmon"),
                   500);
  }
  const std::vector<std::string> argv = {conmon,
                                         "--api-version",
                                         "1",
                                         "-c",
                                         id,
                                         "-u",
                                         id,
                                         "-n",
                                         id,
                                         "-r",
                                         runc,
                                         "-b",
                                         paths.bundle,
                                         "-p",
                                         paths.init_pid(),
                                         "-P",
                                         paths.monitor_pid(),
                                         "-l",
                                         "k8s-file:" + paths.log.string(),
                                         "--exit-dir",
                                         paths.exits,
                                         "--full-attach",
                                         "--log-level",
                                         "error",
                                         "--runtime-arg",
                                         "--root",
                                         "--runtime-arg",
                                         paths.runc_state,
                                         "--runtime-arg",
                                         "--log",
                                         "--runtime-arg",
                                         paths.runc_log(),
                                         "--runtime-arg",
                                         "--log-format",
                                         "--runtime-arg",
                                         "json"};
  LF_CO_TRY(sync, make_pipe());
  LF_CO_TRY(start, make_pipe());
  int pid = 0;
  const auto begin = [&]() -> Result<void> {
    LF_TRY(child, spawn(argv, sync.write, start.read, paths.bundle, paths.monitor_log()));
    pid = child;
    return {};
  };
  LF_CO_OK(network_namespace.empty() ? begin()
                                     : io::in_network_namespace(network_namespace, begin));
  sync.write.reset();
  start.read.reset();
  const Result<void> placed = place(pid);
  if (!placed) ::kill(pid, SIGKILL);
  [[maybe_unused]] const ssize_t sent = ::write(start.write.get(), "x", 1);
  start.write.reset();
  // It forks and ends at once; the one that stays is not our child.
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!placed) co_return std::unexpected(placed.error());

  io::FdWatch answer(loop, std::move(sync.read));
  auto text = co_await io::with_timeout(loop, kCreateTimeout, io::read_line(answer, 64 << 10));
  if (!text) {
    co_return fail(
        "runtime-failed",
        fmt::format("runc did not create the container within {} s",
                    std::chrono::duration_cast<std::chrono::seconds>(kCreateTimeout).count()),
        500);
  }
  boost::system::error_code error;
  const json::value said = json::parse(*text, error);
  const json::value* data =
      !error && said.is_object() ? said.get_object().if_contains("data") : nullptr;
  if (data && data->is_int64() && data->get_int64() > 0) {
    LF_CO_TRY(monitor_pid, read_pid(paths.monitor_pid()));
    co_return MonitorStarted{monitor_pid, int(data->get_int64())};
  }
  std::string message = runc_message(paths.runc_log());
  if (message.empty() && !error && said.is_object()) {
    if (const json::value* words = said.get_object().if_contains("message");
        words && words->is_string()) {
      message = words->get_string();
    }
  }
  if (message.empty()) message = first_line_of(paths.monitor_log());
  if (message.empty()) message = "conmon ended without a word";
  co_return std::unexpected(runtime_error(message));
}

Result<void> release_program(const fs::path& start_fifo, int init) {
  // runc's first process waits until somebody opens the FIFO to read, writes one byte, and becomes
  // the program.
  // The process first: opening the FIFO lets it go, and it may be gone at once.
  const io::Fd process(int(::syscall(SYS_pidfd_open, init, 0)));
  if (!process) return fail("runtime-failed", "the container ended before it was started", 500);
  const io::Fd fifo(::open(start_fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fifo) {
    if (errno == ENOENT) return {};  // somebody has let it go before
    return fail_errno("open " + start_fifo.string(), errno);
  }
  pollfd waits[2] = {{fifo.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
  for (int round = 0; round < 100; ++round) {
    const int ready = ::poll(waits, 2, 100);
    if (ready < 0 && errno != EINTR) return fail_errno("poll", errno);
    char byte = 0;
    if (::read(fifo.get(), &byte, 1) == 1) {
      ::unlink(start_fifo.c_str());
      return {};
    }
    if (ready > 0 && waits[1].revents != 0) {
      return fail("runtime-failed", "the container ended before it was started", 500);
    }
    // Without a writer yet the FIFO reads as ended at once; the writer is about to open it.
    if (ready > 0) ::usleep(1000);
  }
  return fail("runtime-failed", "the container's first process did not answer", 500);
}

void kill_strays(const fs::path& bundle) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    const std::string words =
        std::string(1, '\0') + io::read_file(entry.path() / "cmdline").value_or("");
    const std::string needle = std::string(1, '\0') + bundle.string() + std::string(1, '\0');
    if (words.find(needle) == std::string::npos) continue;
    if (pid != ::getpid()) ::kill(pid, SIGKILL);
  }
}

}  // namespace landfall::host
