#include "proxy/process/run.h"

#include <sys/resource.h>
#include <sys/signalfd.h>

#include <csignal>

#include "base/log.h"
#include "proxy/last_metrics.h"
#include "proxy/process/control_server.h"

namespace landfall::proxy {
namespace {

// Connections that live long (WebSockets) may outlive a replaced process by this much.
constexpr int kHandedOverDrainSeconds = 3600;
constexpr int kSignalledDrainSeconds = 5;
constexpr std::chrono::seconds kTellInterval(10);

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocked in every thread, so this comes before the first is made.
io::Fd catch_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  return io::Fd(::signalfd(-1, &wanted, SFD_CLOEXEC));
}

// The control socket is a successor's, or closed: what is counted from here on is told by a file.
void tell_metrics(const Engine& engine, const std::filesystem::path& folder, bool ended) {
  Metrics metrics = engine.metrics();
  metrics.draining = true;
  metrics.ended = ended;
  if (metrics.sets.empty()) return;
  if (auto told = write_last_metrics(folder / kLastMetrics, metrics); !told)
    log::warning("proxy", "cannot keep the last counts: {}", told.error().message);
}

void wait_until_drained(const Engine& engine, const std::filesystem::path& folder, int seconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  auto next = Clock::now();
  while (engine.connections() > 0 && Clock::now() < deadline) {
    if (Clock::now() >= next) {
      tell_metrics(engine, folder, false);
      next = Clock::now() + kTellInterval;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  tell_metrics(engine, folder, true);
}

}  // namespace

Result<void> run_process(const std::filesystem::path& folder, unsigned threads) {
  raise_descriptor_limit();
  const io::Fd signals = catch_signals();
  if (!signals) return fail_errno("signalfd", errno);
  auto predecessor = take_over(folder / "control");
  if (!predecessor && predecessor.error().code != "not-running")
    return std::unexpected(predecessor.error());

  Engine engine(threads);
  if (predecessor) {
    engine.inherit(predecessor->handover, std::move(predecessor->sockets));
    LF_TRY(applied, engine.apply(predecessor->handover.snapshot));
    for (const ListenerProblem& problem : applied.problems)
      log::warning("proxy", "{}: {}", problem.listener, problem.message);
  }
  ControlServer control(engine, folder);
  LF_OK(control.open());
  if (predecessor) LF_OK(predecessor->confirm());
  log::info("proxy", "process {} is ready{}", ::getpid(),
            predecessor ? ", with the sockets of its predecessor" : "");

  int seconds = kSignalledDrainSeconds;
  const ControlServer::Ended ended = control.run(signals.get(), seconds);
  control.close();
  const bool handed_over = ended == ControlServer::Ended::handed_over;
  engine.drain(!handed_over);
  wait_until_drained(engine, folder, handed_over ? kHandedOverDrainSeconds : seconds);
  log::info("proxy", "process {} ends", ::getpid());
  return {};
}

}  // namespace landfall::proxy
