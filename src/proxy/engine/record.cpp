// What an exchange leaves in the access log.
#include "proxy/auth/gate.h"
#include "proxy/engine/exchange.h"
#include "proxy/engine/rewrite.h"

namespace landfall::proxy {
namespace {

std::string_view type_of(const ClientFacts& client, const http1::RequestHead& head, bool grpc) {
  if (grpc) return "grpcs";
  if (client.http2) return "h2";
  if (head.upgrade) return client.secure ? "wss" : "ws";
  return client.secure ? "https" : "http";
}

std::string_view action_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::forward:
      return "forward";
    case ActionKind::redirect:
      return "redirect";
    case ActionKind::fixed_response:
      return "fixed-response";
  }
  return "";
}

std::string target_text(const TargetState& target) {
  sockaddr_storage address = target.address;
  const PeerAddress peer = PeerAddress::of(address);
  return fmt::format("{}{}{}:{}", peer.is_v4() ? "" : "[", peer.str(), peer.is_v4() ? "" : "]",
                     peer.port);
}

}  // namespace

void Exchange::begin_record(const ClientFacts& client, const http1::RequestHead& head) {
  record = std::make_unique<LogRecord>();
  record->type = type_of(client, head, grpc);
  record->client = *client.peer;
  record->node = client.node;
  record->connection = client.connection;
  record->created_us = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  if (head.method.empty()) {
    record->request_line =
        fmt::format("- {}://-:{}- -", client.secure ? "https" : "http", client.listener_port);
  } else {
    const bool has_port = head.authority.find(':') != std::string_view::npos;
    record->request_line =
        fmt::format("{} {}://{}{}{}{} HTTP/{}", head.method, client.secure ? "https" : "http",
                    head.authority, has_port ? "" : fmt::format(":{}", client.listener_port),
                    head.path, head.has_query ? fmt::format("?{}", head.query) : "",
                    client.http2 ? "2.0" : (head.minor_version == 0 ? "1.0" : "1.1"));
  }
  if (const http1::Field* agent = head.find(http1::Name::user_agent))
    record->user_agent = agent->value;
  record->protocol = client.tls_version;
  record->cipher = client.tls_cipher;
  record->server_name = client.server_name;
  record->certificate = client.certificate;
  record->severity = head.severity;
  record->reason = head.reason;
}

void Exchange::end_record() {
  LogRecord& out = *record;
  const std::int64_t now = Worker::clock_us();
  out.finished_us = out.created_us + (now - begun_us);
  out.elb_status = status;
  out.target_status = target_status;
  out.received_bytes = received_bytes;
  out.sent_bytes = sent_bytes;
  if (rule != nullptr) {
    out.rule_priority = rule->priority;
    out.action = action_of(rule->action.spec.kind);
  }
  if (admission) {
    out.gate = admission->action;
    out.error_reason = admission->reason;
    if (admission->refused) out.action = {};
    if (!admission->location.empty()) out.redirect_url = admission->location;
  }
  if (group != nullptr) out.target_group = group->spec.id;
  if (target != nullptr) out.target = target_text(*target);
  // Times are -1 for what did not come about (docs: request_processing_time).
  if (dispatched_us != 0) {
    out.request_us = dispatched_us - begun_us;
    if (answered_us != 0) {
      out.target_us = answered_us - dispatched_us;
      out.response_us = now - answered_us;
    }
  }
  listener->balancer->access_log->push(worker.index(), std::move(out));
  record.reset();
}

}  // namespace landfall::proxy
