#include "io/loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <csignal>

#include "base/log.h"
#include "io/asio.h"

namespace landfall::io {

Error to_error(std::string_view what, const boost::system::error_code& error) {
  if (error == asio::error::eof) {
    return Error{"end-of-stream", fmt::format("{}: closed by the peer", what), 500};
  }
  if (error.category() == boost::system::system_category()) {
    return fail_errno(what, error.value()).error();
  }
  return Error{"io-failed", fmt::format("{}: {}", what, error.message()), 500};
}

Loop::Loop(unsigned blocking_threads) : impl_(std::make_unique<Impl>(blocking_threads)) {
  // A peer or child that closes its end is an error of that write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
}

Loop::~Loop() { impl_->pool.join(); }

namespace {

detached run_main(task<void> main, asio::io_context& context, std::exception_ptr& failure) {
  try {
    co_await std::move(main);
  } catch (...) {
    failure = std::current_exception();
  }
  context.stop();
}

}  // namespace

void Loop::run(task<void> main) {
  impl_->context.restart();
  auto guard = asio::make_work_guard(impl_->context);
  std::exception_ptr failure;
  asio::post(impl_->context, [&] { run_main(std::move(main), impl_->context, failure); });
  impl_->context.run();
  if (failure) std::rethrow_exception(failure);
}

task<void> Loop::sleep_for(Millis duration) {
  asio::steady_timer timer(impl_->context, duration);
  co_await asio_await<std::monostate>(*this, [&](auto done) { timer.async_wait(std::move(done)); });
}

task<void> Loop::yield() {
  struct Awaiter {
    asio::io_context& context;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) { asio::post(context, handle); }
    void await_resume() noexcept {}
  };
  co_await Awaiter{impl_->context};
}

task<void> Loop::run_on_pool(std::function<void()> work) {
  struct Awaiter {
    Impl& impl;
    std::function<void()> work;
    std::exception_ptr failure;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      asio::post(impl.pool, [this, handle] {
        try {
          work();
        } catch (...) {
          failure = std::current_exception();
        }
        asio::post(impl.context, handle);
      });
    }
    void await_resume() {
      if (failure) std::rethrow_exception(failure);
    }
  };
  co_await Awaiter{*impl_, std::move(work), nullptr};
}

void Loop::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }

TaskScope::~TaskScope() { CHECK(running_ == 0); }

void TaskScope::spawn(std::string name, task<void> child) {
  if (stop_.stop_requested()) return;
  ++running_;
  run(std::move(name), std::move(child));
}

detached TaskScope::run(std::string name, task<void> child) {
  co_await adopt_stop{stop_.get_token()};
  try {
    co_await std::move(child);
  } catch (const Cancelled&) {
  } catch (const std::exception& failure) {
    log::error("io", "task {} failed: {}", name, failure.what());
  }
  if (--running_ == 0) {
    for (std::coroutine_handle<> joiner : std::exchange(joiners_, {})) loop_.post(joiner);
  }
}

task<void> TaskScope::stop() {
  stop_.request_stop();
  co_await join();
}

task<void> TaskScope::join() {
  struct Awaiter {
    TaskScope& scope;
    bool await_ready() noexcept { return scope.running_ == 0; }
    void await_suspend(std::coroutine_handle<> handle) { scope.joiners_.push_back(handle); }
    void await_resume() noexcept {}
  };
  while (running_ != 0) co_await Awaiter{*this};
}

struct Event::Waiter {
  Waiter(Loop& loop, Millis timeout) : timer(loop.impl().context, timeout) {}
  asio::steady_timer timer;
  bool notified = false;
};

void Event::notify_all() {
  for (const std::shared_ptr<Waiter>& waiter : std::exchange(waiters_, {})) {
    waiter->notified = true;
    waiter->timer.cancel();
  }
}

task<bool> Event::wait_for(Millis timeout) {
  auto waiter = std::make_shared<Waiter>(loop_, timeout);
  waiters_.push_back(waiter);
  try {
    co_await asio_await<std::monostate>(
        loop_, [&](auto done) { waiter->timer.async_wait(std::move(done)); });
  } catch (const Cancelled&) {
    std::erase(waiters_, waiter);
    throw;
  }
  if (!waiter->notified) std::erase(waiters_, waiter);
  co_return waiter->notified;
}

task<void> Event::wait() {
  while (!co_await wait_for(std::chrono::hours(24))) {
  }
}

struct Deadline::State {
  explicit State(Loop& loop) : timer(loop.impl().context) {}
  std::stop_source source;
  asio::steady_timer timer;
  bool expired = false;
  std::optional<std::stop_callback<std::function<void()>>> parent;
};

Deadline::Deadline(Loop& loop, Millis timeout, std::stop_token parent)
    : state_(std::make_shared<State>(loop)) {
  state_->parent.emplace(std::move(parent),
                         [source = state_->source]() mutable { source.request_stop(); });
  state_->timer.expires_after(timeout);
  state_->timer.async_wait([state = state_](const boost::system::error_code& error) {
    if (error) return;
    state->expired = true;
    state->source.request_stop();
  });
}

Deadline::~Deadline() {
  state_->parent.reset();
  state_->timer.cancel();
}

std::stop_token Deadline::token() const { return state_->source.get_token(); }
bool Deadline::expired() const { return state_->expired; }

}  // namespace landfall::io
