#include <nghttp2/nghttp2.h>

#include "proxy/http2/fields.h"
#include "proxy/http2/upstream.h"

namespace landfall::proxy {
namespace {

using http1::Name;

constexpr std::size_t kOutLimit = 128 << 10;  // of a request that the target does not take
constexpr std::size_t kKeptLimit = 64 << 10;  // of a body that may have to be sent again

ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
                  std::uint32_t* flags, nghttp2_data_source* source, void*) {
  return static_cast<UpstreamH2Stream*>(source->ptr)
      ->read(reinterpret_cast<char*>(out), size, *flags);
}

// The request as HTTP/2 has it, from the head that HTTP/1 targets get.
FieldList request_fields(std::string_view head, bool secure) {
  FieldList out;
  const std::size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::size_t method_end = line.find(' ');
  const std::size_t target_end = line.rfind(' ');
  out.add(":method", line.substr(0, method_end));
  out.add(":scheme", secure ? "https" : "http");
  out.add(":path", line.substr(method_end + 1, target_end - method_end - 1));
  std::string_view rest = head.substr(line_end + 2);
  // The first line behind it is Host, as the rewriter writes it.
  while (rest.size() > 2) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view field = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const std::size_t colon = field.find(':');
    const std::string_view name = field.substr(0, colon);
    const std::string_view value = http1::trim(field.substr(colon + 1));
    const Name known = http1::name_of(name);
    if (known == Name::host) {
      out.add(":authority", value);
    } else if (known == Name::te ? value == "trailers" : !is_connection_specific(known)) {
      out.add(name, value);
    }
  }
  return out;
}

}  // namespace

UpstreamH2Stream::UpstreamH2Stream(UpstreamH2& connection, Exchange& exchange,
                                   std::string_view head, bool end)
    : connection_(connection), exchange_(&exchange), head_(head), request_ended_(end) {
  FieldList fields = request_fields(head, connection.secure_);
  const auto& list = fields.list();
  nghttp2_data_provider provider{{.ptr = this}, read_body};
  id_ = nghttp2_submit_request(connection.session_, nullptr, list.data(), list.size(),
                               end ? nullptr : &provider, nullptr);
}

ssize_t UpstreamH2Stream::read(char* out, std::size_t size, std::uint32_t& flags) {
  const bool blocked = back_blocked();
  const std::size_t count = std::min(size, out_.size() - out_at_);
  std::memcpy(out, out_.data() + out_at_, count);
  out_at_ += count;
  if (out_at_ == out_.size()) {
    out_ = {};
    out_at_ = 0;
  }
  if (request_ended_ && out_.empty()) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!request_trailers_.empty()) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      FieldList fields;
      fields.add_lines(request_trailers_);
      const auto& list = fields.list();
      nghttp2_submit_trailer(connection_.session_, id_, list.data(), list.size());
    }
    return static_cast<ssize_t>(count);
  }
  if (blocked && !back_blocked() && exchange_ != nullptr) exchange_->front->want_body(*exchange_);
  return count == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(count);
}

void UpstreamH2Stream::send_body(Exchange&, Spans body, bool end) {
  if (out_at_ > 0) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
  for (const std::string_view part : body) {
    out_.append(part);
    keeps_ = keeps_ && kept_.size() + part.size() <= kKeptLimit;
    if (keeps_) kept_.append(part);
  }
  if (!keeps_) kept_ = {};
  request_ended_ = request_ended_ || end;
  nghttp2_session_resume_data(connection_.session_, id_);
  connection_.pump_later();
}

void UpstreamH2Stream::send_trailers(Exchange&, std::string_view lines) {
  request_trailers_ = lines;
}

bool UpstreamH2Stream::back_blocked() const { return out_.size() - out_at_ > kOutLimit; }

void UpstreamH2Stream::want_answer(Exchange&) {
  if (unconsumed_ == 0) return;
  nghttp2_session_consume_stream(connection_.session_, id_, std::exchange(unconsumed_, 0));
  connection_.pump_later();
}

void UpstreamH2Stream::abandon(Exchange&) {
  exchange_ = nullptr;
  out_ = {};
  out_at_ = 0;
  request_ended_ = true;
  nghttp2_submit_rst_stream(connection_.session_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
  connection_.pump_later();
}

void UpstreamH2Stream::fail(int status, Cause cause) {
  Exchange* exchange = std::exchange(exchange_, nullptr);
  if (exchange == nullptr) return;
  exchange->detach();
  exchange->fail(status, cause);
}

bool UpstreamH2Stream::again() {
  if (exchange_ == nullptr || touched_ || !keeps_ || exchange_->sent_again) return false;
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  exchange.sent_again = true;
  TargetState& target = *exchange.target;
  exchange.detach();
  const std::string_view body = kept_;
  const bool end = request_ended_ && request_trailers_.empty();
  UpstreamH2::dispatch(exchange, target, connection_.from_, head_, Spans(&body, !body.empty()),
                       end);
  if (exchange.back != nullptr && !request_trailers_.empty()) {
    exchange.back->send_trailers(exchange, request_trailers_);
    exchange.back->send_body(exchange, {}, true);
  }
  return true;
}

bool UpstreamH2Stream::add_field(std::string_view name, std::string_view value) {
  touched_ = true;
  if (answered_) return add_trailer(fields_, name, value);
  if (name == ":status") {
    status_ = std::atoi(std::string(value).c_str());
    fields_.clear();
    return true;
  }
  fields_.append(name).append(": ").append(value).append("\r\n");
  return fields_.size() <= http1::kResponseHeadLimit;
}

// The front sees the head as one of HTTP/1.
void UpstreamH2Stream::take_head(bool end) {
  if (exchange_ == nullptr) return;
  std::string text = fmt::format("HTTP/1.1 {} \r\n", status_);
  text.append(fields_).append("\r\n");
  fields_.clear();
  http1::ResponseHead& head = connection_.worker_.response_head();
  if (http1::parse_response(text, head) != http1::Parsed::complete || status_ == 101) {
    nghttp2_submit_rst_stream(connection_.session_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_CANCEL);
    return fail(502, Cause::target_malformed);
  }
  if (status_ < 200) return exchange_->front->interim(*exchange_, head);
  answered_ = true;
  kept_ = {};
  keeps_ = false;
  if (!end) return exchange_->respond(head, {}, false);
  Exchange* exchange = std::exchange(exchange_, nullptr);
  exchange->detach();
  exchange->respond(head, {}, true);
}

void UpstreamH2Stream::take_data(std::string_view data) {
  if (exchange_ == nullptr) {
    nghttp2_session_consume_stream(connection_.session_, id_, data.size());
    return;
  }
  exchange_->respond_body({&data, 1}, false);
  if (exchange_ != nullptr && exchange_->front->front_blocked()) {
    unconsumed_ += data.size();
  } else {
    nghttp2_session_consume_stream(connection_.session_, id_, data.size());
  }
}

void UpstreamH2Stream::take_end() {
  Exchange* exchange = std::exchange(exchange_, nullptr);
  if (exchange == nullptr) return;
  if (!exchange->request_complete) {
    // It has answered without reading all of it.
    nghttp2_submit_rst_stream(connection_.session_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_NO_ERROR);
  }
  exchange->detach();
  if (!fields_.empty()) exchange->front->trailers(*exchange, fields_);
  exchange->respond_body({}, true);
}

void UpstreamH2Stream::closed(std::uint32_t error) {
  if (exchange_ == nullptr) return;
  // Refused: not looked at (RFC 9113, 8.7), so even what is not idempotent may be sent again.
  if (error == NGHTTP2_REFUSED_STREAM && again()) return;
  fail(502, error == NGHTTP2_PROTOCOL_ERROR ? Cause::target_malformed : Cause::target_closed);
}

}  // namespace landfall::proxy
