#include "proxy/auth/outside.h"

#include <atomic>

namespace landfall::proxy {
namespace {

constexpr int kMostCalls = 256;

}  // namespace

struct OutsideCalls::Running {
  Running() : thread([this] { loop.run(wait_for_the_end(*this)); }) {}

  static task<void> wait_for_the_end(Running& self) {
    while (!self.ending) co_await self.end.wait();
    co_await self.calls.stop();
  }
  static task<void> counted(Running& self, std::function<task<void>(io::Loop&)> make) {
    struct Leave {
      std::atomic<int>& count;
      ~Leave() { --count; }
    } leave{self.under_way};
    co_await make(self.loop);
  }

  io::Loop loop;
  io::TaskScope calls{loop};
  io::Event end{loop};
  bool ending = false;  // the loop's thread only
  std::atomic<int> under_way{0};
  std::thread thread;  // last: it uses the others
};

OutsideCalls::OutsideCalls() = default;
OutsideCalls::~OutsideCalls() { stop(); }

bool OutsideCalls::start(std::function<task<void>(io::Loop&)> make) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  if (!running_) running_ = std::make_unique<Running>();
  Running& running = *running_;
  if (running.under_way >= kMostCalls) return false;
  ++running.under_way;
  running.loop.post([&running, make = std::move(make)]() mutable {
    if (running.ending) return;
    running.calls.spawn("outside call", Running::counted(running, std::move(make)));
  });
  return true;
}

void OutsideCalls::stop() {
  std::unique_ptr<Running> running;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    running = std::move(running_);
  }
  if (!running) return;
  running->loop.post([&self = *running] {
    self.ending = true;
    self.end.notify_all();
  });
  running->thread.join();
}

}  // namespace landfall::proxy
