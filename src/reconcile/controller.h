// A controller: keys that change are reconciled until what is matches what is wanted.
//
//   Controller tasks(loop, store, clock, random, {.name = "ecs-tasks", .sources = {{"/ecs/",
//   task_keys}}},
//                    [this](std::string key) { return reconcile_task(std::move(key)); });
//   tasks.start(); ... co_await tasks.stop();
//
// Level-triggered: a key says only "look here". On start every existing key is reconciled once, so
// a controller needs no memory of what it did before; after that every change of a watched key,
// every requeue and every enqueue() leads to a reconcile that starts later. One key is never
// reconciled twice at the same time, and a key that fails waits out its own backoff without holding
// up others.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "io/loop.h"
#include "reconcile/work_queue.h"
#include "store/store.h"

namespace landfall::reconcile {

struct Requeue {
  // None: not before the next change.
  std::optional<Millis> after = {};
};

struct Source {
  std::string prefix;
  // Which work a changed store key leads to; empty function: the store key itself is the work. May
  // return nothing (not of interest) or several (a rule of a security group: every interface that
  // uses it). `previous` is the value before the change, so that a deletion or a change of owner
  // can be mapped too.
  std::function<std::vector<std::string>(const store::KeyValue& current,
                                         const std::optional<store::KeyValue>& previous)>
      keys = {};
};

struct ControllerOptions {
  std::string name;
  std::vector<Source> sources;
  std::size_t workers = 4;
  Backoff backoff = {};
  // One reconcile that takes longer is stopped (Cancelled inside it) and counts as failed.
  Millis step_timeout = std::chrono::minutes(10);
  // Every key is looked at again this often, so that a change of the world that nobody reported is
  // found; zero: never.
  Millis resync = std::chrono::minutes(10);
};

class Controller {
 public:
  // Failures are logged by the controller; telling the user (condition, event) is the reconciler's
  // part.
  using Reconcile = std::function<task<Result<Requeue>>(std::string key)>;

  Controller(io::Loop& loop, store::Store& store, const Clock& clock, Random& random,
             ControllerOptions options, Reconcile reconcile);
  ~Controller();  // CHECKs that it is stopped
  Controller(const Controller&) = delete;

  void start();
  // Stops the reconciles under way and joins them.
  task<void> stop();

  // Work that no store key announced: a container has exited, a timer ran out.
  void enqueue(std::string key);
  void enqueue_after(std::string key, Millis delay);

  // For tests: resumes when nothing is due and nothing runs (delayed keys may wait).
  task<void> settle();
  // For tests with a FakeClock: looks at the clock again after it has moved.
  void clock_moved();

  const WorkQueue& queue() const;

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace landfall::reconcile
