#include "io/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/asio.h"
#include "io/terminal.h"

extern char** environ;

namespace landfall::io {
namespace {

using asio::posix::stream_descriptor;

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  const std::string fallback = std::string(rest) + ":/usr/local/sbin:/usr/sbin:/sbin";
  rest = fallback;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return fail("program-missing", fmt::format("the program '{}' is not installed", name), 500);
}

struct Prepared {
  std::string program;
  std::vector<char*> argv;
  std::vector<char*> environment;
  Fd network_namespace;
};

Result<Prepared> prepare(const Command& command) {
  CHECK(!command.argv.empty());
  Prepared out;
  LF_TRY(program, find_program(command.argv[0]));
  out.program = std::move(program);
  for (const std::string& word : command.argv) out.argv.push_back(const_cast<char*>(word.c_str()));
  out.argv.push_back(nullptr);
  for (const std::string& word : command.environment) {
    out.environment.push_back(const_cast<char*>(word.c_str()));
  }
  out.environment.push_back(nullptr);
  if (!command.network_namespace.empty()) {
    out.network_namespace = Fd(::open(command.network_namespace.c_str(), O_RDONLY | O_CLOEXEC));
    if (!out.network_namespace) return fail_errno("open " + command.network_namespace, errno);
  }
  return out;
}

// vfork: the child borrows our memory until exec, so it costs the same however large we are. It
// makes system calls only, and tells through `failed` what went wrong.
Result<int> spawn(const Prepared& prepared, const Command& command, std::array<int, 3> streams,
                  bool new_session, bool on_terminal = false) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int failed = 0;
  const char* volatile step = "";
  const pid_t pid = ::vfork();
  if (pid == 0) {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (new_session) ::setsid();
    step = "redirect";
    bool good = true;
    for (int i = 0; i < 3 && good; ++i) good = ::dup2(streams[std::size_t(i)], i) >= 0;
    if (good && on_terminal) {
      step = "take the terminal";
      good = ::ioctl(0, TIOCSCTTY, 0) == 0;
    }
    if (good && prepared.network_namespace) {
      step = "enter the network namespace";
      good = ::setns(prepared.network_namespace.get(), CLONE_NEWNET) == 0;
    }
    if (good && !command.directory.empty()) {
      step = "change folder";
      good = ::chdir(command.directory.c_str()) == 0;
    }
    if (good) {
      step = "execute";
      ::execve(prepared.program.c_str(), prepared.argv.data(),
               command.environment.empty() ? environ : prepared.environment.data());
    }
    failed = errno;
    ::_exit(127);
  }
  const int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail_errno("start " + prepared.program, fork_error);
  if (failed != 0) {
    ::waitpid(pid, nullptr, 0);
    return fail_errno(fmt::format("{} {}", static_cast<const char*>(step), prepared.program),
                      failed);
  }
  return pid;
}

struct Pipe {
  Fd read, write;
};
Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe", errno);
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

// Kills and reaps the child unless it has been reaped.
struct Child {
  int pid;
  bool reaped = false;
  ~Child() {
    if (reaped) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
};

task<void> feed(Loop& loop, stream_descriptor to, std::string bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    auto [error, count] = co_await asio_await<std::size_t>(loop, [&](auto done) {
      to.async_write_some(asio::buffer(rest.data(), rest.size()), std::move(done));
    });
    if (error) co_return;  // the child closed its input: its exit code says whether that was right
    rest.remove_prefix(count);
  }
}

task<void> drain(Loop& loop, stream_descriptor from, std::string& into, bool& truncated,
                 std::size_t limit) {
  std::vector<char> buffer(64 << 10);
  for (;;) {
    auto [error, count] = co_await asio_await<std::size_t>(
        loop, [&](auto done) { from.async_read_some(asio::buffer(buffer), std::move(done)); });
    if (error) co_return;
    const std::size_t room = limit - std::min(limit, into.size());
    into.append(buffer.data(), std::min(room, count));
    truncated = truncated || count > room;
  }
}

task<Result<CommandResult>> run_now(Loop& loop, Command command) {
  LF_CO_TRY(prepared, prepare(command));
  LF_CO_TRY(in, make_pipe());
  LF_CO_TRY(out, make_pipe());
  LF_CO_TRY(err, make_pipe());
  LF_CO_TRY(pid,
            spawn(prepared, command, {in.read.get(), out.write.get(), err.write.get()}, false));
  Child child{pid};
  in.read.reset();
  out.write.reset();
  err.write.reset();
  Fd pidfd(int(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) co_return fail_errno("pidfd_open", errno);

  asio::io_context& context = loop.impl().context;
  CommandResult result;
  TaskScope streams(loop);
  streams.spawn("child input", feed(loop, stream_descriptor(context, in.write.release()),
                                    std::move(command.input)));
  streams.spawn("child output", drain(loop, stream_descriptor(context, out.read.release()),
                                      result.out, result.truncated, command.output_limit));
  streams.spawn("child errors", drain(loop, stream_descriptor(context, err.read.release()),
                                      result.err, result.truncated, command.output_limit));
  stream_descriptor waiter(context, pidfd.release());
  bool cancelled = false;
  try {
    co_await asio_await<std::monostate>(
        loop, [&](auto done) { waiter.async_wait(stream_descriptor::wait_read, std::move(done)); });
  } catch (const Cancelled&) {
    cancelled = true;
  }
  if (cancelled) {
    co_await streams.stop();
    throw Cancelled();
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  child.reaped = true;
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  // A grandchild may have inherited the streams and keep them open: wait for what the child wrote,
  // not for the end.
  const auto settle = [](TaskScope& scope) -> task<Result<void>> {
    co_await scope.join();
    co_return Result<void>();
  };
  co_await with_timeout(loop, Millis(50), settle(streams));
  co_await streams.stop();
  co_return result;
}

}  // namespace

task<Result<CommandResult>> run_command(Loop& loop, Command command) {
  const std::string name = command.argv.at(0);
  const Millis timeout = command.timeout;
  auto result = co_await with_timeout(loop, timeout, run_now(loop, std::move(command)));
  if (!result && result.error().code == "timeout") {
    co_return fail("timeout",
                   fmt::format("'{}' did not end within {} s", name, timeout.count() / 1000.0),
                   500);
  }
  co_return result;
}

task<Result<std::string>> check_command(Loop& loop, Command command) {
  const std::string name = command.argv.at(0);
  LF_CO_TRY(result, co_await run_command(loop, std::move(command)));
  if (!result.ok()) {
    std::string_view said = result.err.empty() ? result.out : result.err;
    while (said.ends_with('\n')) said.remove_suffix(1);
    co_return fail("command-failed",
                   fmt::format("{} failed ({}): {}", name, result.exit_code, said.substr(0, 2000)),
                   500);
  }
  co_return std::move(result.out);
}

Result<int> start_daemon(const Command& command, const std::string& log_path) {
  LF_TRY(prepared, prepare(command));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return fail_errno("open /dev/null", errno);
  Fd log_file;
  if (!log_path.empty()) {
    log_file = Fd(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!log_file) return fail_errno("open " + log_path, errno);
  }
  const int output = log_file ? log_file.get() : null.get();
  return spawn(prepared, command, {null.get(), output, output}, true);
}

Result<int> start_on_terminal(const Command& command, int fd) {
  LF_TRY(prepared, prepare(command));
  return spawn(prepared, command, {fd, fd, fd}, true, true);
}

Result<std::uint64_t> process_start_time(int pid) {
  LF_TRY(stat, read_file(fmt::format("/proc/{}/stat", pid)));
  // The second field is the program's name in parentheses and may hold anything, so count from the
  // last ')'.
  std::string_view rest = stat;
  rest.remove_prefix(std::min(rest.rfind(')') + 2, rest.size()));
  for (int field = 3; field < 22; ++field) {
    rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  }
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (parsed.ec != std::errc())
    return fail("process-unreadable", fmt::format("/proc/{}/stat", pid), 500);
  return value;
}

bool process_alive(int pid, std::uint64_t start_time) {
  const auto found = process_start_time(pid);
  if (!found || *found != start_time) return false;
  // One that has ended but is not reaped yet runs no more.
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  if (!stat) return false;
  const std::size_t state = stat->rfind(')') + 2;
  return state < stat->size() && (*stat)[state] != 'Z' && (*stat)[state] != 'X';
}

}  // namespace landfall::io
