#include "proxy/log/access_log.h"

#include "proxy/log/format.h"

namespace landfall::proxy {
namespace {

std::string seconds(std::int64_t us) {
  return us < 0 ? std::string("-1") : fmt::format("{:.3f}", static_cast<double>(us) / 1e6);
}

std::string code(int value) { return value == 0 ? std::string("-") : std::to_string(value); }

}  // namespace

std::string format_record(const LogRecord& r, std::string_view balancer) {
  const std::string peer = r.client.is_v4() ? r.client.str() : "[" + r.client.str() + "]";
  const std::string actions =
      fmt::format("{}{}{}", r.gate, r.gate.empty() || r.action.empty() ? "" : ",", r.action);
  const bool compliant = r.severity == http1::Severity::compliant;
  return fmt::format(
      "{} {} {} {}:{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
      "{} {} {} {}",
      r.type, log_time(r.finished_us), balancer, peer, r.client.port, or_dash(r.target),
      seconds(r.request_us), seconds(r.target_us), seconds(r.response_us), code(r.elb_status),
      code(r.target_status), r.received_bytes, r.sent_bytes, in_quotes(r.request_line),
      in_quotes(r.user_agent), or_dash(r.cipher), or_dash(r.protocol), or_dash(r.target_group),
      in_quotes(r.trace_id), in_quotes(r.server_name), in_quotes(r.certificate),
      r.rule_priority < 0 ? std::string("-1") : std::to_string(r.rule_priority),
      log_time(r.created_us), in_quotes(actions), in_quotes(r.redirect_url),
      in_quotes(r.error_reason), in_quotes(r.target),
      in_quotes(r.target_status == 0 ? "" : std::to_string(r.target_status)),
      compliant ? "\"-\"" : in_quotes(http1::severity_text(r.severity)),
      compliant ? "\"-\"" : in_quotes(http1::reason_text(r.reason)), connection_id(r.connection),
      in_quotes(r.transformed_host), in_quotes(r.transformed_uri), in_quotes(r.transform_status));
}

void AccessLog::set_nodes(std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex_);
  nodes_ = std::move(addresses);
}

LogSource::Lines AccessLog::take() {
  const std::lock_guard lock(mutex_);
  Lines out;
  records_.take_all([&](const LogRecord& record) {
    auto& lines = out[record.node < nodes_.size() ? nodes_[record.node] : "-"];
    lines.append(format_record(record, balancer_)).append("\n");
  });
  return out;
}

}  // namespace landfall::proxy
