// Log files as AWS delivers them: lines of one load balancer node, five minutes a file, gzip, in
//
//   <folder>/yyyy/mm/dd/<prefix>_<end>_<address of the node>_<random>.log.gz
//
// Until a file is finished its lines are in <unfinished>; those that a killed process left there
// are finished by the next one. docs: load-balancer-access-logs, load-balancer-connection-logs
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/config.h"

namespace landfall::proxy {

// Where lines come from. The writer drains it now and then; what it cannot write is dropped.
class LogSource {
 public:
  explicit LogSource(LogPlace place) : place_(std::move(place)) {}
  virtual ~LogSource() = default;
  const LogPlace& place() const { return place_; }
  // What has come since the last time: whole lines, by the address of their node.
  using Lines = std::map<std::string, std::string>;
  virtual Lines take() = 0;
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  void drop(std::uint64_t lines) { dropped_.fetch_add(lines, std::memory_order_relaxed); }

 private:
  const LogPlace place_;
  std::atomic<std::uint64_t> dropped_{0};
};

// One file that is being written.
class LogFile {
 public:
  // Makes it in `place.unfinished`; the error is the kernel's.
  static Result<std::unique_ptr<LogFile>> open(const LogPlace& place, const std::string& node,
                                               std::int64_t now_ms);
  ~LogFile();
  LogFile(const LogFile&) = delete;

  // Takes from `lines` the whole ones that it has written.
  Result<void> append(std::string_view& lines);
  std::size_t size() const { return size_; }
  std::int64_t begun_ms() const { return begun_ms_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  LogFile(int fd, std::filesystem::path path, std::size_t size, std::int64_t begun_ms)
      : fd_(fd), path_(std::move(path)), size_(size), begun_ms_(begun_ms) {}
  int fd_;
  std::filesystem::path path_;
  std::size_t size_;
  std::int64_t begun_ms_;
};

// Compresses it to its final place and removes it; without lines it is only removed. It stays when
// that fails.
Result<void> finish_log_file(const std::filesystem::path& unfinished, std::int64_t now_ms);

// Writes what all sources have, in one thread, ten times a second. A source that only the writer
// still holds is drained, its files are finished, and it is gone.
class LogWriter {
 public:
  // now_ms: the wall clock.
  explicit LogWriter(std::function<std::int64_t()> now_ms = {});
  ~LogWriter();  // writes what is left and finishes all files
  void add(std::shared_ptr<LogSource> source);
  // What processes that are gone have left there is finished. Once per folder.
  void recover(const std::filesystem::path& unfinished);

 private:
  struct Open {
    std::shared_ptr<LogSource> source;
    std::map<std::string, std::unique_ptr<LogFile>> files;  // by node
  };
  void run();
  void write_out(Open& open, std::int64_t now);
  void finish(std::unique_ptr<LogFile>& file, std::int64_t now);
  void finish_all(Open& open, std::int64_t now);
  void retry_unfinished(std::int64_t now);

  std::function<std::int64_t()> now_ms_;
  std::mutex mutex_;  // guards what follows up to the thread's own
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<std::shared_ptr<LogSource>> added_;
  std::vector<std::filesystem::path> unfinished_;  // compressed in vain, or left by others
  std::set<std::filesystem::path> recovered_;
  // the thread's own
  std::vector<Open> open_;
  std::int64_t next_retry_ms_ = 0;
  std::int64_t next_warning_ms_ = 0;
  std::thread thread_;
};

}  // namespace landfall::proxy
