// The connection log of one load balancer: a line for every connection, and for every attempt.
// docs: load-balancer-connection-logs
#pragma once

#include "proxy/log/log_files.h"
#include "proxy/log/record_queues.h"
#include "proxy/rules/address.h"

namespace landfall::proxy {

struct ConnectionRecord {
  std::int64_t time_us = 0;  // unix time: when it was established, or failed
  PeerAddress client;
  std::uint16_t listener_port = 0;
  std::string protocol, cipher;    // empty: no TLS, or none agreed on
  std::int64_t handshake_us = -1;  // -1: there was none
  // Of the client's certificate; empty: none was shown.
  std::string subject, validity, serial_number;
  std::string status;    // "Success", "Failed:ClientCertExpired"; empty: no TLS
  std::uint64_t id = 0;  // of the connection; the access log names it, too
  unsigned node = 0;
};

// One line without its line break.
std::string format_connection(const ConnectionRecord& record);

class ConnectionLog final : public LogSource {
 public:
  ConnectionLog(LogPlace place, unsigned threads)
      : LogSource(std::move(place)), records_(threads) {}
  void set_nodes(std::vector<std::string> addresses);
  // From worker `thread`.
  void push(unsigned thread, ConnectionRecord record) {
    if (!records_.push(thread, std::move(record))) drop(1);
  }
  Lines take() override;

 private:
  RecordQueues<ConnectionRecord> records_;
  std::mutex mutex_;
  std::vector<std::string> nodes_;
};

}  // namespace landfall::proxy
