// Commands inside a running container, as health checks need them.
#include <signal.h>
#include <unistd.h>

#include "base/record.h"
#include "host/containers/enter.h"
#include "host/containers/local_containers.h"
#include "io/process.h"
#include "io/terminal.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

struct Scratch {
  fs::path process, pid, log;
  Scratch() = default;
  Scratch(Scratch&&) = default;
  ~Scratch() {
    for (const fs::path& file : {process, pid, log}) {
      if (!file.empty()) ::unlink(file.c_str());
    }
  }
};

// The command and what it has started: it leads a session of its own.
bool kill_command(const fs::path& pid_file) {
  const auto text = io::read_file(pid_file);
  int pid = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), pid).ec != std::errc() ||
      pid <= 1) {
    return false;
  }
  ::kill(-pid, SIGKILL);
  ::kill(pid, SIGKILL);
  return true;
}

// runc stays alive to reap what is killed; reaping is nothing a container's first process must be
// able to do.
task<void> kill_later(io::Loop& loop, Millis timeout, fs::path pid_file, bool& expired) {
  co_await loop.sleep_for(timeout);
  expired = true;
  while (!kill_command(pid_file)) co_await loop.sleep_for(Millis(20));
}

}  // namespace

struct LocalContainers::Inside {
  Scratch files;
  io::Command command;
};

Result<LocalContainers::Inside> LocalContainers::prepare_inside(const std::string& id,
                                                                const ExecRequest& request,
                                                                bool terminal) {
  const Meta* meta = find_meta(id);
  if (!meta) return fail("container-unknown", fmt::format("there is no container {}", id), 404);
  if (meta->state != ContainerState::running)
    return fail("container-not-running", fmt::format("container {} is not running", id), 409);
  if (request.argv.empty()) return fail("invalid-container", "an empty command");
  const fs::path run = paths(id).run;
  LF_TRY(config, io::read_file(run / "config.json"));
  LF_TRY(process, further_process(paths(id).root(), config, request));
  process["terminal"] = terminal;
  const std::string name = fmt::format("exec-{}", ++exec_counter_);
  Inside out;
  out.files.process = run / (name + ".json");
  out.files.pid = run / (name + ".pid");
  out.files.log = run / (name + ".log");
  LF_OK(io::write_file(out.files.process, json::serialize(process), 0600));
  out.command.argv = {"runc",
                      "--root",
                      (run_ / "runc").string(),
                      "--log",
                      out.files.log.string(),
                      "--log-format",
                      "json",
                      "exec",
                      "--process",
                      out.files.process.string(),
                      "--pid-file",
                      out.files.pid.string(),
                      id};
  out.command.network_namespace = fmt::format("/proc/{}/ns/net", meta->init_pid);
  return out;
}

namespace {

class LocalTerminal final : public TerminalSession {
 public:
  LocalTerminal(io::Terminal terminal, Scratch files)
      : terminal_(std::move(terminal)), files_(std::move(files)) {}
  // runc is killed with the terminal, what it has started must be told.
  ~LocalTerminal() override {
    if (!ended_) kill_command(files_.pid);
  }
  task<Result<std::string>> read() override {
    LF_CO_TRY(said, co_await terminal_.read());
    if (!said.empty() || ended_) co_return said;
    // Not even started: runc writes the reason to its log.
    const auto log = io::read_file(files_.log, 64 << 10);
    std::error_code ignored;
    if (!log || log->empty() || fs::exists(files_.pid, ignored) || told_) co_return said;
    told_ = true;
    co_return runtime_error(*log).message + "\r\n";
  }
  task<Result<void>> write(std::string typed) override { return terminal_.write(std::move(typed)); }
  void resize(int rows, int columns) override { terminal_.resize(rows, columns); }
  task<int> exit_code() override {
    const int code = co_await terminal_.ended();
    ended_ = true;
    co_return code;
  }

 private:
  io::Terminal terminal_;
  Scratch files_;
  bool ended_ = false;
  bool told_ = false;
};

}  // namespace

task<Result<std::unique_ptr<TerminalSession>>> LocalContainers::open_terminal(std::string id,
                                                                              ExecRequest request) {
  LF_CO_TRY(inside, prepare_inside(id, request, true));
  LF_CO_TRY(terminal, io::Terminal::start(loop_, inside.command));
  co_return std::make_unique<LocalTerminal>(std::move(terminal), std::move(inside.files));
}

task<Result<ExecResult>> LocalContainers::exec(std::string id, ExecRequest request) {
  LF_CO_TRY(inside, prepare_inside(id, request, false));
  const Scratch files = std::move(inside.files);
  io::Command command = std::move(inside.command);
  command.input = std::move(request.input);
  command.timeout = request.timeout + std::chrono::seconds(10);
  command.output_limit = request.output_limit;
  bool cancelled = false, expired = false;
  io::TaskScope timer(loop_);
  timer.spawn("exec timeout", kill_later(loop_, request.timeout, files.pid, expired));
  Result<io::CommandResult> done = fail("runtime-failed", "not run", 500);
  try {
    done = co_await io::run_command(loop_, std::move(command));
  } catch (const io::Cancelled&) {
    cancelled = true;
  }
  co_await timer.stop();
  if (cancelled || !done) kill_command(files.pid);
  if (cancelled) throw io::Cancelled();
  if (!done) co_return std::unexpected(std::move(done).error());
  if (expired) {
    co_return fail("timeout",
                   fmt::format("the command did not end within {} ms", request.timeout.count()));
  }
  ExecResult out{done->exit_code, done->out + done->err, done->truncated};
  // Without a pid file nothing was started: the error is runc's.
  std::error_code ignored;
  if (done->exit_code != 0 && !fs::exists(files.pid, ignored)) {
    const Error error = runtime_error(done->err);
    if (const Meta* now = find_meta(id); !now || now->state != ContainerState::running) {
      co_return fail("container-not-running", fmt::format("container {} is not running", id), 409);
    }
    if (error.code == "command-not-found") {
      out.exit_code = 127;
    } else if (error.code == "command-not-executable" || error.code == "exec-format") {
      out.exit_code = 126;
    } else {
      co_return std::unexpected(error);
    }
    out.output = error.message;
  }
  if (out.output.size() > request.output_limit) {
    out.output.resize(request.output_limit);
    out.truncated = true;
  }
  co_return out;
}

}  // namespace landfall::host
