#include "proxy/engine/client.h"

#include <sys/socket.h>

#include "proxy/engine/rewrite.h"
#include "proxy/engine/tls.h"
#include "proxy/http2/front.h"
#include "proxy/log/connection_log.h"

namespace landfall::proxy {
namespace {

using http1::ChunkedReader;
using http1::Parsed;

constexpr std::int64_t kLingerMs = 2'000;
constexpr std::int64_t kHandshakeTimeoutMs = 10'000;
constexpr std::int64_t kDefaultIdleMs = 60'000;

}  // namespace

Client::Client(Worker& worker, int fd, const ListenerSocket& socket, const PeerAddress& peer,
               const CompiledBalancer& balancer)
    : Stream(worker, fd),
      where_(socket.where),
      balancer_(balancer.state),
      peer_(peer),
      port_(socket.port),
      slot_(socket.slot),
      opened_seconds_(static_cast<std::uint32_t>(worker.now_ms() / 1000)),
      zone_(static_cast<std::uint8_t>(socket.zone)),
      node_(static_cast<std::uint8_t>(socket.node)) {
  if (!balancer.access_log && !balancer.connection_log) return;
  logged_ = std::make_unique<Logged>(worker.random(), Worker::clock_us(), balancer.connection_log);
}

Client::~Client() {
  balancer_->tally.at(worker_.index(), zone_).add(Count::closed_connections);
  if (exchange_ != nullptr) worker_.free_exchange(exchange_);
}

const CompiledListener* Client::listener() const {
  return worker_.config()->config->listener(slot_);
}

std::int64_t Client::idle_timeout_ms() const {
  const CompiledListener* found = listener();
  return found ? std::int64_t{1000} * found->balancer->spec.idle_timeout_seconds : kDefaultIdleMs;
}

void Client::touch() { set_deadline(idle_timeout_ms()); }

void Client::opened() {
  if (tls() != nullptr) {
    set_deadline(kHandshakeTimeoutMs);
  } else {
    touch();
    log_connection(false);
  }
}

void Client::log_connection(bool failed) {
  if (!logged_ || !logged_->log) return;
  ConnectionRecord record{.client = peer_, .listener_port = port_};
  record.time_us = std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  record.id = logged_->id;
  record.node = node_;
  if (const TlsSession* session = tls()) {
    // Without agreement there is no cipher.
    if (!session->cipher().starts_with('(')) {
      record.protocol = session->version();
      record.cipher = session->cipher();
    }
    if (!failed) record.handshake_us = Worker::clock_us() - logged_->accepted_us;
    record.status = failed ? fmt::format("Failed:{}", session->failure()) : "Success";
    if (const ClientCertificate* shown = session->client_certificate()) {
      record.subject = shown->subject;
      record.validity = shown->validity;
      record.serial_number = shown->serial_number;
    }
  }
  logged_->log->push(worker_.index(), std::move(record));
  logged_->log.reset();
}

void Client::on_open() {
  touch();
  log_connection(false);
  if (tls()->http2()) begin_http2();
}

Http2Front& Client::begin_http2() {
  http2_ = std::make_unique<Http2Front>(worker_, *this);
  return *http2_;
}

void Client::shut() {
  if (dead) return;
  http2_->client_gone();
  worker_.connection_closed(*this);
  close();
}

void Client::drain() {
  if (http2_) return http2_->go_away();
  if (phase_ == Phase::head && stashed() == 0) end_connection();
  close_after_ = true;
}

ClientFacts Client::facts() const {
  ClientFacts out{.peer = &peer_,
                  .listener_port = port_,
                  .listener_slot = slot_,
                  .zone = zone_,
                  .node = node_,
                  .connection = logged_ ? logged_->id : 0,
                  .from = where_,
                  .secure = tls() != nullptr};
  if (tls() != nullptr) {
    out.tls_version = tls()->version();
    out.tls_cipher = tls()->cipher();
    out.server_name = tls()->server_name();
    out.certificate = TlsContexts::certificate_id(*tls());
    out.client_certificate = tls()->client_certificate();
  }
  return out;
}

void Client::on_bytes(std::string_view bytes) {
  if (http2_) {
    touch();
    return http2_->on_bytes(bytes);
  }
  working_ = true;
  while (!bytes.empty() && !dead) {
    if (phase_ == Phase::head) {
      if (!read_head(bytes)) break;
    } else if (phase_ == Phase::body) {
      read_body(bytes);
    } else if (phase_ == Phase::answer) {
      // The next request, while this one is not answered: it has to wait.
      stash(bytes);
      pause();
      break;
    } else if (phase_ == Phase::tunnel) {
      touch();
      exchange_->request_body({&bytes, 1}, false);
      if (!dead && exchange_ != nullptr && exchange_->back != nullptr &&
          exchange_->back->back_blocked()) {
        pause();
      }
      break;
    } else {
      break;  // nobody wants it any more
    }
  }
  working_ = false;
}

// False when more bytes are needed.
bool Client::read_head(std::string_view& bytes) {
  http1::RequestHead& head = worker_.request_head();
  const Parsed parsed = http1::parse_request(bytes, head);
  if (parsed == Parsed::incomplete) {
    stash(bytes);
    touch();
    return false;
  }
  exchange_ = worker_.new_exchange();
  touch();
  answered_ = false;
  if (parsed == Parsed::refused) {
    bytes = {};
    head.size = 0;
    phase_ = Phase::body;  // whatever follows is not understood
    close_after_ = true;
    exchange_->refuse(*this, facts(), head, head.status, Cause::malformed_request);
    return false;
  }
  bytes.remove_prefix(head.size);
  std::vector<std::string_view>& spans = worker_.spans();
  spans.clear();
  bool end = true;
  chunked_ = head.framing.chunked;
  left_ = head.framing.length;
  close_after_ = close_after_ || head.close;
  if (chunked_ || left_ > 0) {
    chunks_ = {};
    phase_ = Phase::body;
    if (!take_body(bytes, spans, end)) {
      close_after_ = true;
      exchange_->refuse(*this, facts(), head, 400, Cause::malformed_request);
      return false;
    }
  }
  if (end) phase_ = Phase::answer;
  exchange_->start(*this, facts(), head, spans, end);
  if (!dead && phase_ == Phase::body && exchange_ != nullptr && exchange_->back != nullptr &&
      exchange_->back->back_blocked()) {
    pause();
  }
  return !dead;
}

bool Client::take_body(std::string_view& bytes, std::vector<std::string_view>& out, bool& end) {
  if (!chunked_) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    if (take > 0) out.push_back(bytes.substr(0, take));
    bytes.remove_prefix(take);
    left_ -= take;
    end = left_ == 0;
    return true;
  }
  end = false;
  ChunkedReader::Piece piece;
  ChunkedReader::State state = ChunkedReader::State::more;
  while (state == ChunkedReader::State::more && !bytes.empty()) {
    state = chunks_.next(bytes, piece);
    if (piece.framed.empty()) continue;
    if (!out.empty() && out.back().data() + out.back().size() == piece.framed.data()) {
      out.back() = {out.back().data(), out.back().size() + piece.framed.size()};
    } else {
      out.push_back(piece.framed);
    }
  }
  end = state == ChunkedReader::State::done;
  return state != ChunkedReader::State::broken;
}

void Client::read_body(std::string_view& bytes) {
  if (answered_ || exchange_ == nullptr) {
    bytes = {};
    return;
  }
  touch();
  std::vector<std::string_view>& spans = worker_.spans();
  spans.clear();
  bool end = false;
  if (!take_body(bytes, spans, end)) {
    // Half a request has gone to the target: nobody may take it for a whole one.
    close_after_ = true;
    answered_ = true;
    exchange_->fail(400, Cause::malformed_request);
    bytes = {};
    return;
  }
  if (end) phase_ = Phase::answer;
  exchange_->request_body(spans, end);
  if (!dead && phase_ == Phase::body && exchange_ != nullptr && exchange_->back != nullptr &&
      exchange_->back->back_blocked()) {
    pause();
  }
}

void Client::want_body(Exchange&) {
  if (phase_ == Phase::body || phase_ == Phase::tunnel) resume();
}

bool Client::closes(const Exchange& exchange) const {
  if (close_after_ || exchange.client_must_close || worker_.draining()) return true;
  const CompiledListener* found = listener();
  return found == nullptr || worker_.now_ms() / 1000 - opened_seconds_ >=
                                 found->balancer->spec.client_keep_alive_seconds;
}

void Client::respond(Exchange& exchange, const http1::ResponseHead& head, Spans body, bool end) {
  touch();
  const bool no_body =
      exchange.head_method || head.status == 204 || head.status == 304 || head.framing.has_length;
  // Without a length the end of the connection is the end of the answer.
  const bool by_close = !no_body && (!head.framing.chunked || exchange.http10);
  close_after_ = closes(exchange) || by_close;
  const ResponseContext context{.close = close_after_,
                                .keep_alive_10 = exchange.http10 && !close_after_,
                                .drop_chunked = exchange.http10,
                                .cookies = exchange.cookies,
                                .edits = exchange.response_edits()};
  std::string_view text;
  if (unchanged(head, context)) {
    text = {head.status_line.data(), head.size};
  } else {
    Writer out(worker_.scratch(), Worker::kScratchSize);
    rewrite_response(head, context, out);
    text = out.text();
  }
  std::vector<std::string_view>& parts = worker_.send_spans();
  parts.clear();
  parts.push_back(text);
  for (const std::string_view part : body) {
    if (text.data() + text.size() == part.data() && parts.size() == 1) {
      parts[0] = text = {text.data(), text.size() + part.size()};
    } else {
      parts.push_back(part);
    }
  }
  if (!send(parts)) return on_broken(EPIPE);
  if (end) done();
}

void Client::interim(Exchange& exchange, const http1::ResponseHead& head) {
  if (exchange.http10) return;  // RFC 9110, 15.2
  touch();
  Writer out(worker_.scratch(), Worker::kScratchSize);
  rewrite_response(head, {}, out);
  if (!send(out.text())) on_broken(EPIPE);
}

void Client::body(Exchange&, Spans body, bool end) {
  touch();
  if (!body.empty() && !send(body)) return on_broken(EPIPE);
  if (end) done();
}

void Client::answer(Exchange& exchange, const OwnAnswer& answer) {
  touch();
  close_after_ = closes(exchange) || phase_ == Phase::body;
  Writer out(worker_.scratch(), Worker::kScratchSize / 2);
  out << "HTTP/1.1 ";
  out.number(static_cast<std::uint64_t>(answer.status))
      << " " << reason_phrase(answer.status) << "\r\n";
  if (exchange.names_server()) out << "Server: awselb/2.0\r\n";
  out << "Date: " << worker_.http_date() << "\r\n";
  if (!answer.body.empty()) out << "Content-Type: " << answer.content_type << "\r\n";
  out << "Content-Length: ";
  out.number(answer.body.size()) << "\r\n";
  if (!answer.location.empty()) out << "Location: " << answer.location << "\r\n";
  out << answer.cookies;
  if (const ResponseEdits* edits = exchange.response_edits()) out << edits->lines();
  out << (close_after_ ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
  std::string_view parts[2] = {out.text(), exchange.head_method ? std::string_view() : answer.body};
  exchange.sent_bytes += parts[0].size() + parts[1].size();
  if (!send(Spans(parts, parts[1].empty() ? 1 : 2))) return on_broken(EPIPE);
  done();
}

void Client::cut(Exchange& exchange) {
  exchange.finish(exchange.status, exchange.cause);
  worker_.connection_closed(*this);
  // An orderly end would pass for the end of an answer that ends with the connection.
  reset();
}

void Client::open_tunnel(Exchange& exchange, const http1::ResponseHead& head,
                         std::string_view first) {
  Writer out(worker_.scratch(), Worker::kScratchSize);
  rewrite_response(
      head, {.upgrade = true, .cookies = exchange.cookies, .edits = exchange.response_edits()},
      out);
  const std::string_view parts[2] = {out.text(), first};
  phase_ = Phase::tunnel;
  touch();
  if (!send(Spans(parts, first.empty() ? 1 : 2))) return on_broken(EPIPE);
  // The client may have gone ahead.
  if (stashed() > 0 && paused()) resume();
}

// The answer has been handed to the socket.
void Client::done() {
  Exchange& exchange = *exchange_;
  const bool complete = exchange.request_complete;
  exchange.finish(exchange.status, exchange.cause);
  worker_.free_exchange(std::exchange(exchange_, nullptr));
  if (dead) return;
  if (!complete || close_after_ || phase_ == Phase::tunnel) {
    answered_ = true;
    end_connection();
    return;
  }
  phase_ = Phase::head;
  touch();
  if (!working_) resume();
}

// Orderly: everything sent is read by the peer, also when it is still sending itself.
void Client::end_connection() {
  if (blocked()) {
    phase_ = Phase::ending;
    return;
  }
  const bool may_be_sending = !(phase_ == Phase::answer || phase_ == Phase::head) || stashed() > 0;
  if (!may_be_sending) {
    worker_.connection_closed(*this);
    return close();
  }
  phase_ = Phase::linger;
  half_close();
  take_stash();
  set_deadline(kLingerMs);
  resume();
}

void Client::on_drained() {
  if (http2_) return http2_->pump();
  if (phase_ == Phase::ending) return end_connection();
  if (exchange_ != nullptr && exchange_->back != nullptr) {
    touch();
    exchange_->back->want_answer(*exchange_);
  }
}

void Client::on_end() {
  if (tls() != nullptr && !tls()->established()) log_connection(true);
  if (http2_) http2_->client_gone();
  if (exchange_ != nullptr) exchange_->client_gone();
  worker_.connection_closed(*this);
  close();
}

void Client::on_broken(int error) {
  if (http2_) http2_->client_gone();
  if (exchange_ != nullptr) exchange_->client_gone();
  if (tls() != nullptr && !tls()->established()) log_connection(true);
  if (error == EPROTO && tls() != nullptr) {
    balancer_->tally.at(worker_.index(), zone_).add(Count::client_tls_errors);
  }
  worker_.connection_closed(*this);
  reset();
}

void Client::on_deadline() {
  if (tls() != nullptr && !tls()->established()) log_connection(true);
  if (http2_) {
    // Streams have deadlines of their own.
    if (!http2_->idle()) return touch();
    return http2_->go_away();
  }
  if (phase_ == Phase::head && stashed() > 0) {
    // docs: load-balancer-troubleshooting, HTTP 408
    http1::RequestHead& head = worker_.request_head();
    const http1::RequestHead empty;
    head.fields.clear();
    take_stash();
    exchange_ = worker_.new_exchange();
    phase_ = Phase::body;
    close_after_ = true;
    exchange_->refuse(*this, facts(), empty, 408, Cause::client_timeout);
    return;
  }
  if (exchange_ != nullptr && !exchange_->answer_begun) {
    const bool target_reads = exchange_->back == nullptr || !exchange_->back->back_blocked();
    if (phase_ == Phase::body && target_reads) {
      close_after_ = true;
      return exchange_->fail(408, Cause::client_timeout);
    }
    return exchange_->fail(504, Cause::target_timeout);
  }
  if (exchange_ != nullptr) return exchange_->fail(504, Cause::target_timeout);
  worker_.connection_closed(*this);
  close();
}

}  // namespace landfall::proxy
