#include "reconcile/controller.h"

#include "base/check.h"
#include "base/log.h"

namespace landfall::reconcile {

namespace {
constexpr Millis kWatchRetry(500);
// A clock that jumps forward is noticed at least this soon.
constexpr Millis kLongestSleep = std::chrono::minutes(1);
constexpr int kTurnsOfWatches = 8;
}  // namespace

struct Controller::Running {
  Running(io::Loop& the_loop, store::Store& the_store, const Clock& clock, Random& random,
          ControllerOptions the_options, Reconcile the_reconcile)
      : loop(the_loop),
        store(the_store),
        options(std::move(the_options)),
        reconcile(std::move(the_reconcile)),
        queue(clock, random, options.backoff),
        scope(the_loop),
        work(the_loop),
        idle(the_loop) {}

  void add(const Source& source, const store::KeyValue& current,
           const std::optional<store::KeyValue>& previous) {
    if (!source.keys) return queue.add(current.key);
    for (const std::string& key : source.keys(current, previous)) queue.add(key);
  }

  void list(const Source& source) {
    for (const store::KeyValue& kv : store.range(source.prefix)) add(source, kv, std::nullopt);
    work.notify_all();
  }

  // Watches from `revision`; starts over with a list when the watch cannot go on.
  task<void> follow(const Source& source, store::Revision revision) {
    auto watch = store.watch(source.prefix, revision);
    while (true) {
      auto events = co_await watch->next();
      if (events) {
        for (const store::Event& event : *events) add(source, event.current, event.previous);
        work.notify_all();
        continue;
      }
      if (events.error().code != "compacted") {
        log::warning("reconcile", "{}: watch of {} failed: {}", options.name, source.prefix,
                     events.error().message);
        co_await loop.sleep_for(kWatchRetry);
      }
      watch = store.watch(source.prefix, store.revision());
      list(source);
    }
  }

  task<void> resync() {
    while (true) {
      co_await loop.sleep_for(options.resync);
      for (const Source& source : options.sources) list(source);
    }
  }

  task<void> run_worker() {
    while (true) {
      std::optional<std::string> key = queue.take();
      if (!key) {
        if (queue.working() == 0) idle.notify_all();
        const Millis wait = queue.next_due().value_or(kLongestSleep);
        co_await work.wait_for(std::clamp(wait, Millis(1), kLongestSleep));
        continue;
      }
      auto result = co_await attempt(*key);
      if (result) {
        queue.finished(*key);
        if (result->after) queue.add_after(*key, *result->after);
      } else {
        const Millis delay = queue.failed(*key);
        log::warning("reconcile", "{}: {} failed {} times, again in {} ms: {}: {}", options.name,
                     *key, queue.failures(*key), delay.count(), result.error().code,
                     result.error().message);
      }
      // Another worker may sleep until a moment later than what was just added.
      work.notify_all();
      // A reconcile that never waits must not keep the loop for itself.
      co_await loop.yield();
    }
  }

  // Exceptions stop here: one reconcile that throws is one key's failure.
  task<Result<Requeue>> attempt(std::string key) {
    std::string what;
    try {
      co_return co_await io::with_timeout(loop, options.step_timeout, reconcile(key));
    } catch (const io::Cancelled&) {
      throw;
    } catch (const std::exception& failure) {
      what = failure.what();
    }
    co_return fail("exception", what, 500);
  }

  io::Loop& loop;
  store::Store& store;
  ControllerOptions options;
  Reconcile reconcile;
  WorkQueue queue;
  io::TaskScope scope;
  io::Event work;
  io::Event idle;
  bool started = false;
  bool stopped = false;
};

Controller::Controller(io::Loop& loop, store::Store& store, const Clock& clock, Random& random,
                       ControllerOptions options, Reconcile reconcile)
    : running_(std::make_unique<Running>(loop, store, clock, random, std::move(options),
                                         std::move(reconcile))) {}

Controller::~Controller() { CHECK(!running_->started || running_->stopped); }

void Controller::start() {
  CHECK(!running_->started);
  running_->started = true;
  const store::Revision revision = running_->store.revision();
  for (const Source& source : running_->options.sources) {
    running_->list(source);
    running_->scope.spawn(running_->options.name + " watch", running_->follow(source, revision));
  }
  if (running_->options.resync > Millis(0)) {
    running_->scope.spawn(running_->options.name + " resync", running_->resync());
  }
  for (std::size_t i = 0; i < std::max<std::size_t>(running_->options.workers, 1); ++i) {
    running_->scope.spawn(running_->options.name, running_->run_worker());
  }
}

task<void> Controller::stop() {
  running_->stopped = true;
  co_await running_->scope.stop();
}

void Controller::enqueue(std::string key) { enqueue_after(std::move(key), Millis(0)); }

void Controller::enqueue_after(std::string key, Millis delay) {
  running_->queue.add_after(key, delay);
  running_->work.notify_all();
}

task<void> Controller::settle() {
  Running& running = *running_;
  // What was committed just now reaches the queue when the watches have run.
  for (int i = 0; i < kTurnsOfWatches; ++i) co_await running.loop.yield();
  while (running.queue.working() != 0 || running.queue.next_due() == Millis(0)) {
    co_await running.idle.wait_for(Millis(5));
  }
}

void Controller::clock_moved() { running_->work.notify_all(); }

const WorkQueue& Controller::queue() const { return running_->queue; }

}  // namespace landfall::reconcile
