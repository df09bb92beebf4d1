// The event loop: one thread runs every task; a small pool takes the work that blocks.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>

#include "base/clock.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::io {

class Loop {
 public:
  // blocking_threads: size of the pool behind run_blocking.
  explicit Loop(unsigned blocking_threads = 4);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until `main` has finished, then returns. Rethrows what main threw. Call from one thread
  // only.
  void run(task<void> main);

  // Throws Cancelled when the task is stopped.
  task<void> sleep_for(Millis duration);
  // Lets everything else that is ready run first.
  task<void> yield();

  // Runs `work` on the pool and resumes on the loop with its result (or exception). Not
  // cancellable: `work` must end by itself, and what it captures must own what it uses.
  template <class F>
  task<std::invoke_result_t<F>> run_blocking(F work) {
    using R = std::invoke_result_t<F>;
    if constexpr (std::is_void_v<R>) {
      co_await run_on_pool(std::function<void()>(std::move(work)));
    } else {
      // shared: std::function wants a copyable target, and R need not be default constructible.
      auto result = std::make_shared<std::optional<R>>();
      auto shared_work = std::make_shared<F>(std::move(work));
      co_await run_on_pool([result, shared_work] { result->emplace((*shared_work)()); });
      co_return std::move(**result);
    }
  }

  // Thread safe: runs `work` on the loop's thread, later.
  void post(std::function<void()> work);

  // First SIGINT or SIGTERM resumes; a second one ends the process.
  task<void> wait_for_termination();

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  task<void> run_on_pool(std::function<void()> work);
  std::unique_ptr<Impl> impl_;
};

// Children with an owner: tasks run beside their owner and are joined by stop().
//   TaskScope scope(loop); scope.spawn("sweep", sweep()); ... co_await scope.stop();
// A child that ends with an exception other than Cancelled is a bug: it is logged and the child is
// gone.
class TaskScope {
 public:
  explicit TaskScope(Loop& loop) : loop_(loop) {}
  ~TaskScope();  // CHECKs that nothing runs any more
  TaskScope(const TaskScope&) = delete;

  void spawn(std::string name, task<void> child);
  // Requests stop of every child and waits for the last. Afterwards spawn() drops what it is given.
  task<void> stop();
  // Waits until every child has ended by itself.
  task<void> join();
  std::size_t running() const { return running_; }

 private:
  detached run(std::string name, task<void> child);
  Loop& loop_;
  std::stop_source stop_;
  std::size_t running_ = 0;
  std::vector<std::coroutine_handle<>> joiners_;
};

// Several tasks wait for one notification. notify_all wakes those that wait now.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  void notify_all();
  // Throws Cancelled when stopped. With a timeout: false when it ran out.
  task<void> wait();
  task<bool> wait_for(Millis timeout);

 private:
  struct Waiter;
  Loop& loop_;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

// Stops `work` when `timeout` has passed and returns the error "timeout". R is Result<something>.
template <class R>
task<R> with_timeout(Loop& loop, Millis timeout, task<R> work);

}  // namespace landfall::io

#include "io/with_timeout.h"
