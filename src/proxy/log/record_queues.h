// Hands records from workers to the log writer.
#pragma once

#include <mutex>
#include <vector>

namespace landfall::proxy {

template <class Record>
class RecordQueues {
 public:
  explicit RecordQueues(unsigned threads) : queues_(threads) {}

  // From worker `thread`. False: too much waits already.
  bool push(unsigned thread, Record record) {
    Queue& queue = queues_[thread];
    const std::lock_guard lock(queue.mutex);
    if (queue.records.size() >= kLimit) return false;
    queue.records.push_back(std::move(record));
    return true;
  }

  template <class Take>
  void take_all(Take&& take) {
    for (Queue& queue : queues_) {
      std::vector<Record> records;
      {
        const std::lock_guard lock(queue.mutex);
        records.swap(queue.records);
      }
      for (const Record& record : records) take(record);
    }
  }

 private:
  static constexpr std::size_t kLimit = 65'536;  // per thread
  struct alignas(64) Queue {
    std::mutex mutex;
    std::vector<Record> records;
  };
  std::vector<Queue> queues_;
};

}  // namespace landfall::proxy
