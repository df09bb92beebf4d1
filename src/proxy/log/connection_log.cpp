#include "proxy/log/connection_log.h"

#include "proxy/log/format.h"

namespace landfall::proxy {

std::string format_connection(const ConnectionRecord& r) {
  const std::string latency =
      r.handshake_us < 0 ? std::string("-")
                         : fmt::format("{:.3f}", static_cast<double>(r.handshake_us) / 1e6);
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", log_time(r.time_us), r.client.str(),
                     r.client.port, r.listener_port, or_dash(r.protocol), or_dash(r.cipher),
                     latency, in_quotes(r.subject), or_dash(r.validity), or_dash(r.serial_number),
                     or_dash(r.status), connection_id(r.id));
}

void ConnectionLog::set_nodes(std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  nodes_ = std::move(addresses);
}

LogSource::Lines ConnectionLog::take() {
  const std::lock_guard lock(mutex_);
  Lines out;
  records_.take_all([&](const ConnectionRecord& record) {
    auto& lines = out[record.node < nodes_.size() ? nodes_[record.node] : "-"];
    lines.append(format_connection(record)).append("\n");
  });
  return out;
}

}  // namespace landfall::proxy
