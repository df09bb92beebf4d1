// Commands inside a running container, as health checks need them.
#include <signal.h>
#include <unistd.h>

#include "base/record.h"
#include "host/containers/enter.h"
#include "host/containers/local_containers.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

struct Scratch {
  fs::path process, pid, log;
  ~Scratch() {
    for (const fs::path& file : {process, pid, log}) ::unlink(file.c_str());
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

task<Result<ExecResult>> LocalContainers::exec(std::string id, ExecRequest request) {
  const Meta* meta = find_meta(id);
  if (!meta) {
    co_return fail("container-unknown", fmt::format("there is no container {}", id), 404);
  }
  if (meta->state != ContainerState::running) {
    co_return fail("container-not-running", fmt::format("container {} is not running", id), 409);
  }
  if (request.argv.empty()) co_return fail("invalid-container", "an empty command");
  const fs::path run = paths(id).run;
  LF_CO_TRY(config, io::read_file(run / "config.json"));
  LF_CO_TRY(process, further_process(paths(id).root(), config, request));
  const std::string name = fmt::format("exec-{}", ++exec_counter_);
  const Scratch files{run / (name + ".json"), run / (name + ".pid"), run / (name + ".log")};
  LF_CO_OK(io::write_file(files.process, json::serialize(process), 0600));

  io::Command command;
  command.argv = {"runc",
                  "--root",
                  (run_ / "runc").string(),
                  "--log",
                  files.log.string(),
                  "--log-format",
                  "json",
                  "exec",
                  "--process",
                  files.process.string(),
                  "--pid-file",
                  files.pid.string(),
                  id};
  command.network_namespace = fmt::format("/proc/{}/ns/net", meta->init_pid);
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
