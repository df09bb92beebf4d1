#include "proxy/engine/client.h"
#include "proxy/engine/rewrite.h"
#include "proxy/http2/fields.h"
#include "proxy/http2/front.h"

namespace landfall::proxy {
namespace {

using http1::Field;

constexpr int kRequestLimit = 10'000;  // per connection, as AWS has it

// github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
std::string_view grpc_code(int status) {
  switch (status) {
    case 400:
      return "13";  // INTERNAL
    case 401:
      return "16";  // UNAUTHENTICATED
    case 403:
      return "7";  // PERMISSION_DENIED
    case 404:
      return "12";  // UNIMPLEMENTED
    case 429:
    case 502:
    case 503:
    case 504:
      return "14";  // UNAVAILABLE
    default:
      return "2";  // UNKNOWN
  }
}

}  // namespace

Http2Stream::Http2Stream(Http2Front& connection, std::int32_t id)
    : connection_(connection), id_(id) {}

Http2Stream::~Http2Stream() {
  if (exchange_ != nullptr) connection_.worker_.free_exchange(exchange_);
  connection_.worker_.timers().remove(*this);
}

void Http2Stream::touch() {
  Worker& worker = connection_.worker_;
  worker.timers().set(*this, worker.now_ms() + connection_.client_.idle_timeout_ms());
}

bool Http2Stream::add_field(std::string_view name, std::string_view value) {
  if (name == ":method") {
    method_ = value;
  } else if (name == ":path") {
    path_ = value;
  } else if (name == ":authority") {
    authority_ = value;
  } else if (name == ":scheme") {
    scheme_ = value;
  } else if (name.starts_with(':')) {
    return false;
  } else if (name == "cookie") {
    cookies_.append(cookies_.empty() ? "" : "; ").append(value);
  } else if (name == "host") {
    if (authority_.empty()) authority_ = value;
  } else {
    if (name == "content-length") has_length_ = true;
    fields_.append(name).append(": ").append(value).append("\r\n");
  }
  return fields_.size() + cookies_.size() + path_.size() <= http1::kRequestHeadLimit;
}

void Http2Stream::start(bool end) {
  started_ = true;
  Worker& worker = connection_.worker_;
  if (++connection_.requests_ >= kRequestLimit || worker.draining()) connection_.go_away();
  chunked_ = !end && !has_length_;
  std::string text;
  text.reserve(fields_.size() + cookies_.size() + path_.size() + authority_.size() + 100);
  text.append(method_).append(" ").append(path_).append(" HTTP/1.1\r\nHost: ").append(authority_);
  text.append("\r\n").append(fields_);
  if (!cookies_.empty()) text.append("cookie: ").append(cookies_).append("\r\n");
  if (chunked_) text.append("Transfer-Encoding: chunked\r\n");
  text.append("\r\n");
  exchange_ = worker.new_exchange();
  touch();
  http1::RequestHead& head = worker.request_head();
  const http1::Parsed parsed = http1::parse_request(text, head);
  ClientFacts facts = connection_.client_.facts();
  facts.http2 = true;
  if (parsed != http1::Parsed::complete) {
    exchange_->refuse(*this, facts, head, head.status != 0 ? head.status : 400,
                      Cause::malformed_request);
    return;
  }
  // Bodies of GET have clear borders here, so nothing about them is ambiguous.
  using http1::Reason;
  if (head.reason == Reason::undefined_content_length_semantics ||
      head.reason == Reason::undefined_transfer_encoding_semantics) {
    head.severity = http1::Severity::compliant;
    head.reason = Reason::none;
  }
  head.upgrade = false;
  exchange_->start(*this, facts, head, {}, end);
  fields_ = {};
}

void Http2Stream::take_data(std::string_view data) {
  const auto blocked = [&] {
    return exchange_ != nullptr && exchange_->back != nullptr && exchange_->back->back_blocked();
  };
  if (exchange_ == nullptr || exchange_->back == nullptr)
    return flow_.came(connection_.session_, id_, data.size(), false);
  touch();
  if (chunked_ && !exchange_->plain_body) {
    const std::string size = fmt::format("{:x}\r\n", data.size());
    const std::string_view parts[] = {size, data, "\r\n"};
    exchange_->request_body(parts, false);
  } else {
    exchange_->request_body({&data, 1}, false);
  }
  flow_.came(connection_.session_, id_, data.size(), blocked());
}

// Only targets that speak HTTP/2 get them: to HTTP/1 they were not announced.
bool Http2Stream::add_trailer_field(std::string_view name, std::string_view value) {
  if (exchange_ == nullptr || !exchange_->plain_body) return true;
  return add_trailer(request_trailers_, name, value);
}

void Http2Stream::end_data() {
  if (exchange_ == nullptr) return;
  if (!request_trailers_.empty() && exchange_->back != nullptr)
    exchange_->back->send_trailers(*exchange_, request_trailers_);
  const std::string_view last = "0\r\n\r\n";
  exchange_->request_body(Spans(&last, chunked_ && !exchange_->plain_body ? 1 : 0), true);
}

void Http2Stream::want_body(Exchange&) {
  if (!flow_.give_back(connection_.session_, id_)) return;
  touch();
  connection_.pump_later();
}

void Http2Stream::client_gone() {
  if (exchange_ == nullptr) return;
  exchange_->client_gone();
  connection_.worker_.free_exchange(std::exchange(exchange_, nullptr));
}

// The answer is complete; what is left of it is sent from flow_.
void Http2Stream::finish() {
  flow_.end();
  connection_.worker_.timers().clear(*this);
  exchange_->finish(exchange_->status, exchange_->cause);
  connection_.worker_.free_exchange(std::exchange(exchange_, nullptr));
}

void Http2Stream::respond(Exchange& exchange, const http1::ResponseHead& head, Spans body,
                          bool end) {
  touch();
  FieldList fields;
  const ResponseEdits* edits = exchange.response_edits();
  fields.add(":status", std::to_string(head.status));
  for (const Field& field : head.fields) {
    if (field.dropped || is_connection_specific(field.known)) continue;
    if (edits != nullptr && edits->replaces(field.name)) continue;
    fields.add(field.name, field.value);
  }
  fields.add_lines(exchange.cookies);
  if (edits != nullptr) fields.add_lines(edits->lines());
  flow_.append(body);
  const bool empty = end && flow_.empty();
  const nghttp2_data_provider provider = body_of(*this);
  const auto& list = fields.list();
  nghttp2_submit_response(connection_.session_, id_, list.data(), list.size(),
                          empty ? nullptr : &provider);
  connection_.pump_later();
  if (end) finish();
}

void Http2Stream::interim(Exchange&, const http1::ResponseHead& head) {
  if (head.status == 101) return;
  touch();
  FieldList fields;
  fields.add(":status", std::to_string(head.status));
  for (const Field& field : head.fields) {
    if (!field.dropped && !is_connection_specific(field.known)) fields.add(field.name, field.value);
  }
  const auto& list = fields.list();
  nghttp2_submit_headers(connection_.session_, NGHTTP2_FLAG_NONE, id_, nullptr, list.data(),
                         list.size(), nullptr);
  connection_.pump_later();
}

void Http2Stream::body(Exchange&, Spans body, bool end) {
  touch();
  flow_.append(body);
  if (end) finish();
  nghttp2_session_resume_data(connection_.session_, id_);
  connection_.pump_later();
}

void Http2Stream::answer(Exchange& exchange, const OwnAnswer& answer) {
  FieldList fields;
  fields.add(":status", std::to_string(answer.status));
  // What gRPC clients read is the code.
  const bool grpc_error = exchange.grpc && exchange.cause != Cause::none;
  if (exchange.names_server()) fields.add("server", "awselb/2.0");
  fields.add("date", connection_.worker_.http_date());
  if (grpc_error) {
    fields.add("content-type", "application/grpc");
    fields.add("grpc-status", grpc_code(answer.status));
    fields.add("grpc-message", std::to_string(answer.status));
  } else {
    if (!answer.body.empty()) fields.add("content-type", answer.content_type);
    fields.add("content-length", std::to_string(answer.body.size()));
  }
  if (!answer.location.empty()) fields.add("location", answer.location);
  fields.add_lines(answer.cookies);
  if (const ResponseEdits* edits = exchange.response_edits()) fields.add_lines(edits->lines());
  const bool with_body = !exchange.head_method && !grpc_error && !answer.body.empty();
  if (with_body) {
    flow_.append({&answer.body, 1});
    exchange.sent_bytes += answer.body.size();
  }
  const nghttp2_data_provider provider = body_of(*this);
  const auto& list = fields.list();
  nghttp2_submit_response(connection_.session_, id_, list.data(), list.size(),
                          with_body ? &provider : nullptr);
  connection_.pump_later();
  finish();
}

void Http2Stream::cut(Exchange&) {
  nghttp2_submit_rst_stream(connection_.session_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_INTERNAL_ERROR);
  connection_.pump_later();
  finish();
}

// No Upgrade by HTTP/2, so no target was asked for one.
void Http2Stream::open_tunnel(Exchange& exchange, const http1::ResponseHead&, std::string_view) {
  exchange.fail(502, Cause::target_malformed);
}

ssize_t Http2Stream::read(std::uint8_t* out, std::size_t size, std::uint32_t& flags) {
  const ssize_t count = flow_.read(connection_.session_, id_, out, size, flags);
  if (exchange_ != nullptr && exchange_->back != nullptr && !flow_.blocked())
    exchange_->back->want_answer(*exchange_);
  return count;
}

void Http2Stream::on_deadline() {
  if (exchange_ == nullptr) return;
  if (!exchange_->answer_begun && !exchange_->request_complete &&
      (exchange_->back == nullptr || !exchange_->back->back_blocked())) {
    return exchange_->fail(408, Cause::client_timeout);
  }
  exchange_->fail(504, Cause::target_timeout);
}

}  // namespace landfall::proxy
