// One request and its answer, whatever protocol they came in: the decision where it goes, and the
// meeting point of a front (the client's side) and a back (the target's side).
#pragma once

#include <string>

#include "proxy/engine/worker.h"
#include "proxy/log/access_log.h"
#include "proxy/rules/address.h"

namespace landfall::proxy {

class Exchange;
struct Admission;
struct ClientCertificate;

// Why an answer is ours; goes to the access log.
enum class Cause : std::uint8_t {
  none,
  malformed_request,
  desync_blocked,
  client_closed,       // 460, 400
  client_timeout,      // 408
  no_targets,          // 503
  connect_failed,      // 502
  connect_timeout,     // 504
  target_tls_failed,   // 502
  target_closed,       // 502
  target_malformed,    // 502
  target_timeout,      // 504
  deregistered,        // 502
  too_many_addresses,  // 463
  protocol_mismatch,   // 464
  method_not_allowed,  // 405
  shut_down,           // 503
  no_descriptors,      // 502: the proxy itself cannot open a connection
  transform_failed,    // 500
  not_admitted,        // 401, 500, 561, 562: see Admission::reason
};

// An answer that the load balancer makes itself.
struct OwnAnswer {
  int status = 0;
  std::string_view content_type;  // empty: no body
  std::string_view body;
  std::string_view location;  // redirects
  std::string_view cookies;
};

// The client's side of one exchange.
class Front {
 public:
  virtual ~Front() = default;
  virtual void respond(Exchange& exchange, const http1::ResponseHead& head, Spans body,
                       bool end) = 0;
  virtual void interim(Exchange& exchange, const http1::ResponseHead& head) = 0;
  virtual void body(Exchange& exchange, Spans body, bool end) = 0;
  virtual void answer(Exchange& exchange, const OwnAnswer& answer) = 0;
  // The answer has begun and cannot be finished: make the client see that.
  virtual void cut(Exchange& exchange) = 0;
  // The back takes more of the request's body.
  virtual void want_body(Exchange& exchange) = 0;
  // Trailer fields, as "name: value" lines, before the body's end.
  virtual void trailers(Exchange&, std::string_view) {}
  // Wants body data without chunk framing.
  virtual bool wants_data(const Exchange& exchange) const = 0;
  virtual bool front_blocked() const = 0;
  // After 101: bytes in both directions; `first` came with the answer.
  virtual void open_tunnel(Exchange& exchange, const http1::ResponseHead& head,
                           std::string_view first) = 0;
};

// The target's side.
class Back {
 public:
  virtual ~Back() = default;
  virtual void send_body(Exchange& exchange, Spans body, bool end) = 0;
  // Trailer fields, as "name: value" lines, before the body's end.
  virtual void send_trailers(Exchange&, std::string_view) {}
  virtual bool back_blocked() const = 0;
  // The front takes more of the answer.
  virtual void want_answer(Exchange& exchange) = 0;
  // The exchange is over before its end: nothing more may reach it.
  virtual void abandon(Exchange& exchange) = 0;
};

// What the client's connection is, for rules and headers.
struct ClientFacts {
  const PeerAddress* peer = nullptr;
  std::uint16_t listener_port = 0;
  std::uint32_t listener_slot = 0;
  unsigned zone = 0;
  unsigned node = 0;
  std::uint64_t connection = 0;                  // its id in the logs; 0: none
  std::shared_ptr<const NetworkNamespace> from;  // where connections to targets are made
  std::string_view tls_version, tls_cipher;
  std::string_view server_name, certificate;
  const ClientCertificate* client_certificate = nullptr;  // null: none was shown
  bool secure = false;
  bool http2 = false;
};

class Exchange {
 public:
  explicit Exchange(Worker& worker);
  ~Exchange();

  // A request that cannot be understood: answers and accounts for it.
  void refuse(Front& front, const ClientFacts& client, const http1::RequestHead& head, int status,
              Cause cause);
  // Decides and sends it on its way: `body` is what of the body has come with the head, `end` says
  // that this is all of it. May answer at once, through the front.
  void start(Front& front, const ClientFacts& client, const http1::RequestHead& head, Spans body,
             bool end);
  // More of the body.
  void request_body(Spans body, bool end);
  // Takes the action of `rule`: from start(), or later from the gate that stands before it.
  void act(const ClientFacts& client, const http1::RequestHead& head, Spans body, bool end);

  // --- from the back
  void attach(Back& to, TargetState& at);
  void detach();  // the back is done with it
  void respond(const http1::ResponseHead& head, Spans body, bool end);
  void respond_body(Spans body, bool end);
  void fail(int status, Cause cause);

  // --- from the front: the client is gone, or the answer is complete. Frees nothing.
  void finish(int status, Cause cause);
  void client_gone();
  bool finished() const { return finished_; }

  Worker& worker;
  Front* front = nullptr;
  Back* back = nullptr;
  HeldConfig* held = nullptr;
  const CompiledListener* listener = nullptr;
  const CompiledRule* rule = nullptr;
  const CompiledGroup* group = nullptr;
  Counters* balancer_counts = nullptr;  // ours, of the node's zone; set with the listener
  Counters* group_counts = nullptr;     // set with the group
  TargetState* target = nullptr;        // kept alive by the connection to it

  // the request
  unsigned zone = 0;  // of the node that the client came to
  bool head_method = false;
  bool replayable = false;  // idempotent and complete, so that a stale connection does no harm
  bool upgrade = false;
  bool http10 = false;
  bool client_must_close = false;  // classified as ambiguous: nothing follows on this connection
  bool request_complete = false;
  bool answer_begun = false;
  bool grpc = false;
  bool plain_body = false;  // the target takes body data without chunk framing
  bool sent_again = false;  // on a second connection
  int status = 0;           // what the client got
  int target_status = 0;    // what the target said
  Cause cause = Cause::none;
  http1::Severity severity = http1::Severity::compliant;
  http1::Reason reason = http1::Reason::none;
  std::string cookies;  // Set-Cookie lines of the answer

  // accounting
  std::int64_t begun_us = 0;       // head complete
  std::int64_t dispatched_us = 0;  // sent to the target; 0: never
  std::int64_t answered_us = 0;    // the target's head
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;

  std::unique_ptr<LogRecord> record;     // only with an access log
  std::unique_ptr<Admission> admission;  // only with an authentication action

  // What the listener adds to every answer; null: nothing.
  const ResponseEdits* response_edits() const {
    return listener != nullptr ? listener->response_edits.get() : nullptr;
  }
  // Our own answers name us.
  bool names_server() const { return listener == nullptr || listener->spec.server_header; }

  void reset();  // back to the state of a new one

 private:
  bool begin(Front& front, const ClientFacts& client, const http1::RequestHead& head);
  const CompiledRule* choose_rule(const ClientFacts& client, const http1::RequestHead& head);
  void forward(const ClientFacts& client, const http1::RequestHead& head, Spans body, bool end);
  void redirect(const ClientFacts& client, const http1::RequestHead& head);
  void count_status();
  void begin_record(const ClientFacts& client, const http1::RequestHead& head);
  void end_record();

  bool finished_ = false;
  bool outstanding_ = false;
};

// "HTTP/1.1 404 Not Found" has the reason "Not Found"; empty for unknown ones.
std::string_view reason_phrase(int status);
// The page for one of our own errors, as AWS words it.
std::string_view error_page(int status);
bool is_idempotent(std::string_view method);

}  // namespace landfall::proxy
