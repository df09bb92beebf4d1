// The access log of one load balancer: workers hand over records, a thread formats and writes them
// as AWS does, one line a request, into files that are finished every five minutes.
// docs: load-balancer-access-logs
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/http1/head.h"
#include "proxy/rules/address.h"

namespace landfall::proxy {

struct LogRecord {
  std::string_view type = "http";  // http, https, h2, grpcs, ws, wss: constants
  PeerAddress client;
  std::string target;           // "10.0.0.1:80"; empty: none was chosen
  std::int64_t created_us = 0;  // unix time
  std::int64_t finished_us = 0;
  std::int64_t request_us = -1;   // until it was dispatched
  std::int64_t target_us = -1;    // until the target's head
  std::int64_t response_us = -1;  // until the answer was sent
  int elb_status = 0;
  int target_status = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::string request_line;
  std::string user_agent;
  std::string cipher, protocol;
  std::string target_group;
  std::string trace_id;
  std::string server_name, certificate;
  int rule_priority = -1;   // -1: none was evaluated
  std::string_view action;  // a constant
  std::string redirect_url;
  http1::Severity severity = http1::Severity::compliant;
  http1::Reason reason = http1::Reason::none;
};

// One line without its line break.
std::string format_record(const LogRecord& record, std::string_view balancer);

class AccessLog {
 public:
  AccessLog(std::filesystem::path folder, unsigned threads);
  ~AccessLog();  // writes what is left and finishes the file

  const std::filesystem::path& folder() const { return folder_; }
  void set_balancer(std::string name);
  // From worker `thread`. Records beyond the bound are dropped and counted.
  void push(unsigned thread, LogRecord record);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Queue {
    std::mutex mutex;
    std::vector<LogRecord> records;
  };
  void run();
  void write_out();
  void finish_file();

  const std::filesystem::path folder_;
  std::vector<Queue> queues_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> stopping_{false};
  std::mutex name_mutex_;
  std::string balancer_;
  int file_ = -1;
  std::int64_t begun_ms_ = 0;
  std::size_t written_ = 0;
  int sequence_ = 0;
  std::thread thread_;
};

}  // namespace landfall::proxy
