// task<T>: a lazy coroutine. It starts when awaited, runs on the loop's thread, and hands its value
// or exception to the one that awaits it. Destroying a task destroys its frame.
//
// Every task carries a stop token, inherited from the task that awaits it. Waiting primitives
// (sleep, sockets, child processes) watch the token and throw Cancelled when a stop is requested,
// so a whole tree of tasks unwinds from its leaves. Only TaskScope and with_timeout catch
// Cancelled.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <stop_token>
#include <utility>
#include <variant>

#include "base/check.h"

namespace landfall::io {

struct Cancelled : std::exception {
  const char* what() const noexcept override { return "cancelled"; }
};

class PromiseBase {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  auto final_suspend() noexcept {
    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return next; }
      void await_resume() noexcept {}
      std::coroutine_handle<> next;
    };
    return Final{continuation ? continuation : std::noop_coroutine()};
  }
  std::coroutine_handle<> continuation;
  std::stop_token stop;
};

template <class T = void>
class task;

template <class T>
class Promise : public PromiseBase {
 public:
  task<T> get_return_object();
  template <class U>
  void return_value(U&& value) {
    result_.template emplace<1>(std::forward<U>(value));
  }
  void unhandled_exception() { result_.template emplace<2>(std::current_exception()); }
  T take() {
    if (result_.index() == 2) std::rethrow_exception(std::get<2>(result_));
    return std::move(std::get<1>(result_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> result_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  task<void> get_return_object();
  void return_void() {}
  void unhandled_exception() { exception_ = std::current_exception(); }
  void take() {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::exception_ptr exception_;
};

template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = Promise<T>;

  explicit task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~task() {
    if (handle_) handle_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(std::coroutine_handle<promise_type> child) : child_(child) {}
    bool await_ready() noexcept { return false; }
    template <class Parent>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Parent> parent) noexcept {
      child_.promise().continuation = parent;
      child_.promise().stop = parent.promise().stop;
      return child_;
    }
    T await_resume() { return child_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> child_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(handle_); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
task<T> Promise<T>::get_return_object() {
  return task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline task<void> Promise<void>::get_return_object() {
  return task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// `co_await current_stop()`: the running task's stop token.
struct current_stop {
  bool await_ready() noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    token = handle.promise().stop;
    return false;
  }
  std::stop_token await_resume() noexcept { return std::move(token); }
  std::stop_token token;
};

// A coroutine that nobody awaits: it starts at once and frees itself. Only io/ may use it;
// everything else spawns into a TaskScope.
struct detached {
  struct promise_type {
    detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    std::stop_token stop;
  };
};

// Sets the stop token of the tasks awaited from here on; used where a new tree of tasks begins.
struct adopt_stop {
  std::stop_token token;
  bool await_ready() noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
    handle.promise().stop = std::move(token);
    return false;
  }
  void await_resume() noexcept {}
};

}  // namespace landfall::io

namespace landfall {
using io::task;
}
