// Part of loop.h.
#pragma once

namespace landfall::io {

// A stop source whose token stops when the parent's does, or after `timeout`.
class Deadline {
 public:
  Deadline(Loop& loop, Millis timeout, std::stop_token parent);
  ~Deadline();
  std::stop_token token() const;
  bool expired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

template <class R>
task<R> with_timeout(Loop& loop, Millis timeout, task<R> work) {
  const std::stop_token outer = co_await current_stop{};
  Deadline deadline(loop, timeout, outer);
  co_await adopt_stop{deadline.token()};
  try {
    co_return co_await std::move(work);
  } catch (const Cancelled&) {
    if (!deadline.expired() || outer.stop_requested()) throw;
  }
  co_return fail("timeout", fmt::format("no answer within {} ms", timeout.count()));
}

}  // namespace landfall::io
