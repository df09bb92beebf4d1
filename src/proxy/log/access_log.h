// The access log of one load balancer: a line for every request.
// docs: load-balancer-access-logs
#pragma once

#include <string>
#include <vector>

#include "proxy/http1/head.h"
#include "proxy/log/log_files.h"
#include "proxy/log/record_queues.h"
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
  int rule_priority = -1;         // -1: none was evaluated
  std::string_view action;        // a constant
  std::string_view gate;          // the action before it; a constant
  std::string_view error_reason;  // a constant
  std::string redirect_url;
  http1::Severity severity = http1::Severity::compliant;
  http1::Reason reason = http1::Reason::none;
  std::uint64_t connection = 0;  // names it in the connection log, too; 0: no id was given
  unsigned node = 0;
  std::string transformed_host, transformed_uri;
  std::string_view transform_status;  // a constant

  void set_transformed(std::string host, std::string uri, std::string_view status) {
    transformed_host = std::move(host);
    transformed_uri = std::move(uri);
    transform_status = status;
  }
};

// One line without its line break.
std::string format_record(const LogRecord& record, std::string_view balancer);

class AccessLog final : public LogSource {
 public:
  AccessLog(LogPlace place, std::string balancer, unsigned threads)
      : LogSource(std::move(place)), balancer_(std::move(balancer)), records_(threads) {}
  void set_nodes(std::vector<std::string> addresses);
  // From worker `thread`. Records beyond the bound are dropped and counted.
  void push(unsigned thread, LogRecord record) {
    if (!records_.push(thread, std::move(record))) drop(1);
  }
  Lines take() override;

 private:
  const std::string balancer_;
  RecordQueues<LogRecord> records_;
  std::mutex mutex_;
  std::vector<std::string> nodes_;
};

}  // namespace landfall::proxy
