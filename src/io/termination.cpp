#include "io/termination.h"

#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "io/asio.h"

namespace landfall::io {

struct Loop::Impl::Signals {
  explicit Signals(Loop& loop)
      : set(std::in_place, loop.impl().context, SIGINT, SIGTERM), came(loop) {}
  std::optional<asio::signal_set> set;  // absent: one has come
  Event came;
};

void catch_termination(Loop& loop) {
  std::shared_ptr<Loop::Impl::Signals>& signals = loop.impl().signals;
  if (signals) return;
  signals = std::make_shared<Loop::Impl::Signals>(loop);
  // The handler runs on the loop or not at all, so what the loop owns is there.
  signals->set->async_wait([at = signals.get()](const boost::system::error_code& error, int) {
    if (error) return;
    // The default action holds again: a second signal ends the process at once.
    at->set.reset();
    at->came.notify_all();
  });
}

task<bool> termination_requested(Loop& loop) {
  const auto signals = loop.impl().signals;
  if (!signals) co_return false;
  // A signal goes through the reactor before the handler above is called: one turn of the loop for
  // what was ready, one for the reactor, one for the handler.
  for (int turn = 0; turn < 3; ++turn) co_await loop.yield();
  co_return !signals->set;
}

task<void> Loop::wait_for_termination() {
  catch_termination(*this);
  while (impl_->signals->set) co_await impl_->signals->came.wait();
}

}  // namespace landfall::io
