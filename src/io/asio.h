// Boost.Asio behind the tasks. Included by .cpp files of io/ and http/ only: it is expensive to
// compile.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "io/loop.h"

namespace landfall::io {

namespace asio = boost::asio;

struct Loop::Impl {
  explicit Impl(unsigned blocking_threads) : pool(blocking_threads) {}
  asio::io_context context{1};
  asio::thread_pool pool;
  // See termination.h. After the context, whose handlers refer to it.
  struct Signals;
  std::shared_ptr<Signals> signals;
};

// Awaits one Asio operation: `start` is called with a completion handler void(error_code, T). The
// result is the pair; a stop request cancels the operation, and the await throws Cancelled.
template <class T, class Start>
class AsioAwait {
 public:
  AsioAwait(Loop& loop, Start start) : loop_(loop), start_(std::move(start)) {}
  bool await_ready() noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    stop_ = handle.promise().stop;
    if (stop_.stop_requested()) return false;
    handle_ = handle;
    // Requests come from the loop's own thread or from others: the cancellation itself always runs
    // on the loop. The signal outlives this object, because a posted cancellation may arrive after
    // the operation has completed.
    signal_ = std::make_shared<asio::cancellation_signal>();
    callback_.emplace(stop_, [context = &loop_.impl().context, signal = signal_] {
      asio::post(*context, [signal] { signal->emit(asio::cancellation_type::terminal); });
    });
    start_(asio::bind_cancellation_slot(signal_->slot(),
                                        [this](boost::system::error_code error, T value = {}) {
                                          error_ = error;
                                          value_ = std::move(value);
                                          callback_.reset();
                                          handle_.resume();
                                        }));
    return true;
  }
  std::pair<boost::system::error_code, T> await_resume() {
    if (stop_.stop_requested()) throw Cancelled();
    return {error_, std::move(value_)};
  }

 private:
  Loop& loop_;
  Start start_;
  std::stop_token stop_;
  std::coroutine_handle<> handle_;
  std::shared_ptr<asio::cancellation_signal> signal_;
  std::optional<std::stop_callback<std::function<void()>>> callback_;
  boost::system::error_code error_;
  T value_{};
};

template <class T, class Start>
AsioAwait<T, Start> asio_await(Loop& loop, Start start) {
  return {loop, std::move(start)};
}

// Error of an Asio operation as ours: "errno-ECONNREFUSED" and so on, "end-of-stream" for EOF.
Error to_error(std::string_view what, const boost::system::error_code& error);

}  // namespace landfall::io
