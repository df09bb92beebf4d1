#include "proxy/engine/engine.h"

#include <csignal>

#include "base/random.h"

namespace landfall::proxy {
namespace {

unsigned thread_count(unsigned asked) {
  return asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Engine::Engine(unsigned threads)
    : boot_(SystemRandom().hex(16)),
      registry_(thread_count(threads)),
      listening_(thread_count(threads)) {
  std::signal(SIGPIPE, SIG_IGN);
  SystemRandom random;
  for (unsigned i = 0; i < registry_.threads(); ++i)
    workers_.push_back(std::make_unique<Worker>(i, random.next()));
  for (const auto& worker : workers_) worker->start();
}

Engine::~Engine() {
  registry_.stop_calls();
  for (const auto& worker : workers_) worker->stop();
}

Result<Applied> Engine::apply(Snapshot snapshot) {
  LF_TRY(compiled, registry_.compile(std::move(snapshot)));
  Applied out{.revision = compiled->snapshot.revision, .problems = compiled->problems};
  health_.adopt(compiled);
  auto sockets = listening_.arrange(*compiled, out.problems);
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->adopt(compiled, std::move(sockets[i]));
  config_ = std::move(compiled);
  return out;
}

std::int64_t Engine::connections() const {
  std::int64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->connections();
  return sum;
}

void Engine::drain(bool close_idle) {
  for (const auto& worker : workers_) worker->drain(close_idle);
}

HealthReport Engine::target_health() const {
  return {.revision = revision(), .targets = health_.report()};
}

Handover Engine::hand_over(std::vector<int>& sockets) const {
  Handover out;
  if (config_) out.snapshot = config_->snapshot;
  out.health = health_.report();
  listening_.list(out.sockets, sockets);
  return out;
}

void Engine::inherit(const Handover& from, std::vector<io::Fd> sockets) {
  listening_.inherit(from.sockets, std::move(sockets));
  health_.inherit(from.health);
}

}  // namespace landfall::proxy
