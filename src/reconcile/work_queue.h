// Keys waiting to be worked on. A key is in the queue at most once and is never handed to two
// workers at the same time; a key added while it is worked on comes again afterwards. Memory is
// bounded by the number of distinct keys. Not a container of its own time: it asks the clock it was
// given, so tests are exact.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "base/random.h"

namespace landfall::reconcile {

// The n-th failure in a row waits first * 2^(n-1), at most `most`, plus or minus `jitter` of it
// (0.2: up to 20 %).
struct Backoff {
  Millis first = Millis(250);
  Millis most = std::chrono::minutes(5);
  double jitter = 0.2;
};
Millis backoff_delay(const Backoff& backoff, int failures, Random& random);

class WorkQueue {
 public:
  WorkQueue(const Clock& clock, Random& random, Backoff backoff = {})
      : clock_(clock), random_(random), backoff_(backoff) {}

  // Due at once; brings a delayed key forward, also one that is waiting out a failure.
  void add(const std::string& key) { add_after(key, Millis(0)); }
  // Due after `delay`, or earlier when the key already waits for an earlier moment.
  void add_after(const std::string& key, Millis delay);

  // The key that has been due longest, which is then being worked on until finished() or failed().
  std::optional<std::string> take();
  // Forgets the failures of `key`.
  void finished(const std::string& key);
  // Due again after its backoff (returned).
  Millis failed(const std::string& key);

  // Until the next key is due: zero when one is due now; none when nothing waits.
  std::optional<Millis> next_due() const;
  int failures(const std::string& key) const;
  std::size_t waiting() const { return entries_.size(); }
  std::size_t working() const { return working_.size(); }

 private:
  struct Entry {
    TimePoint due;
    std::uint64_t order;
  };
  using Place = std::tuple<TimePoint, std::uint64_t, std::string>;
  void place(const std::string& key, Millis delay);
  void notice_clock_set_back() const;

  const Clock& clock_;
  Random& random_;
  Backoff backoff_;
  mutable std::map<std::string, Entry> entries_;
  mutable std::set<Place> by_due_;
  mutable TimePoint last_seen_{};
  std::set<std::string> working_;
  std::map<std::string, Millis> again_;  // added while being worked on
  std::map<std::string, int> failures_;
  std::uint64_t order_ = 0;
};

}  // namespace landfall::reconcile
