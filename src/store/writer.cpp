#include "store/writer.h"

#include "base/check.h"

namespace landfall::store {

namespace {
constexpr std::size_t kMostTogether = 256;
constexpr std::size_t kMostWaiting = 65'536;
}  // namespace

Writer::Writer(Database database, std::size_t history, std::function<void(Requests)> deliver,
               std::function<void()> wake)
    : database_(std::move(database)),
      history_(history),
      deliver_(std::move(deliver)),
      wake_(std::move(wake)) {}

Result<void> Writer::start() {
  LF_TRY(transactions, TransactionWriter::prepare(database_, history_));
  transactions_.emplace(std::move(transactions));
  thread_ = std::thread([this] { run(); });
  return {};
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  transactions_.reset();
}

Result<void> Writer::submit(std::shared_ptr<Request> request) {
  {
    std::lock_guard lock(mutex_);
    CHECK(!stopping_);
    if (queue_.size() >= kMostWaiting) {
      return fail("store-busy", "too many transactions wait for the disk", 503);
    }
    queue_.push_back(std::move(request));
  }
  changed_.notify_all();
  return {};
}

void Writer::wake_at(std::chrono::steady_clock::time_point time) {
  {
    std::lock_guard lock(mutex_);
    if (wake_time_ && *wake_time_ <= time) return;
    wake_time_ = time;
  }
  changed_.notify_all();
}

void Writer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!queue_.empty()) {
      Requests together;
      while (!queue_.empty() && together.size() < kMostTogether) {
        together.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      lock.unlock();
      transactions_->write(together);
      deliver_(std::move(together));
      lock.lock();
      continue;
    }
    if (stopping_) return;
    if (wake_time_ && *wake_time_ <= std::chrono::steady_clock::now()) {
      wake_time_.reset();
      lock.unlock();
      wake_();
      lock.lock();
      continue;
    }
    // Copied: wait_until reads it after the lock is gone.
    if (const auto until = wake_time_) {
      changed_.wait_until(lock, *until);
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace landfall::store
