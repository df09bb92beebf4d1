#include "reconcile/work_queue.h"

#include "base/check.h"

namespace landfall::reconcile {

Millis backoff_delay(const Backoff& backoff, int failures, Random& random) {
  Millis delay = backoff.first;
  for (int i = 1; i < failures && delay < backoff.most; ++i) delay *= 2;
  delay = std::min(delay, backoff.most);
  const auto spread =
      static_cast<std::int64_t>(static_cast<double>(delay.count()) * backoff.jitter);
  if (spread <= 0) return delay;
  const auto shift =
      static_cast<std::int64_t>(random.below(2 * static_cast<std::uint64_t>(spread) + 1));
  return delay + Millis(shift - spread);
}

void WorkQueue::add_after(const std::string& key, Millis delay) {
  if (working_.contains(key)) {
    const auto [it, added] = again_.emplace(key, delay);
    if (!added) it->second = std::min(it->second, delay);
    return;
  }
  place(key, delay);
}

void WorkQueue::place(const std::string& key, Millis delay) {
  notice_clock_set_back();
  const TimePoint due = clock_.now() + delay;
  if (const auto found = entries_.find(key); found != entries_.end()) {
    if (found->second.due <= due) return;
    by_due_.erase({found->second.due, found->second.order, key});
    entries_.erase(found);
  }
  const Entry entry{due, order_++};
  entries_.emplace(key, entry);
  by_due_.emplace(entry.due, entry.order, key);
}

// Wall-clock time may jump back: then everything moves back with it, so that a delay stays the
// delay it was.
void WorkQueue::notice_clock_set_back() const {
  const TimePoint now = clock_.now();
  if (now < last_seen_) {
    const auto jump = last_seen_ - now;
    by_due_.clear();
    for (auto& [key, entry] : entries_) {
      entry.due -= jump;
      by_due_.emplace(entry.due, entry.order, key);
    }
  }
  last_seen_ = now;
}

std::optional<std::string> WorkQueue::take() {
  notice_clock_set_back();
  if (by_due_.empty() || std::get<0>(*by_due_.begin()) > clock_.now()) return {};
  std::string key = std::get<2>(*by_due_.begin());
  by_due_.erase(by_due_.begin());
  entries_.erase(key);
  working_.insert(key);
  return key;
}

void WorkQueue::finished(const std::string& key) {
  CHECK(working_.erase(key) == 1);
  failures_.erase(key);
  if (auto again = again_.extract(key)) place(key, again.mapped());
}

Millis WorkQueue::failed(const std::string& key) {
  CHECK(working_.erase(key) == 1);
  int& failures = failures_[key];
  if (failures < 1000) ++failures;
  const Millis delay = backoff_delay(backoff_, failures, random_);
  place(key, delay);
  // A change that came meanwhile may be the repair.
  if (auto again = again_.extract(key)) place(key, again.mapped());
  return delay;
}

std::optional<Millis> WorkQueue::next_due() const {
  notice_clock_set_back();
  if (by_due_.empty()) return {};
  return std::max(Millis(0), std::get<0>(*by_due_.begin()) - clock_.now());
}

int WorkQueue::failures(const std::string& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

}  // namespace landfall::reconcile
