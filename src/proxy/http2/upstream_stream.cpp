#include "proxy/http2/fields.h"
#include "proxy/http2/upstream.h"

namespace landfall::proxy {
namespace {

using http1::Name;

constexpr std::size_t kKeptLimit = 64 << 10;  // of a body that may have to be sent again

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
    : connection_(connection), exchange_(&exchange), head_(head) {
  if (end) flow_.end();
  FieldList fields = request_fields(head, connection.secure_);
  const auto& list = fields.list();
  const nghttp2_data_provider provider = body_of(*this);
  id_ = nghttp2_submit_request(connection.session_, nullptr, list.data(), list.size(),
                               end ? nullptr : &provider, nullptr);
}

ssize_t UpstreamH2Stream::read(std::uint8_t* out, std::size_t size, std::uint32_t& flags) {
  const bool blocked = flow_.blocked();
  const ssize_t count = flow_.read(connection_.session_, id_, out, size, flags);
  if (blocked && !flow_.blocked() && exchange_ != nullptr) exchange_->front->want_body(*exchange_);
  return count;
}

void UpstreamH2Stream::send_body(Exchange&, Spans body, bool end) {
  flow_.append(body);
  for (const std::string_view part : body) {
    keeps_ = keeps_ && kept_.size() + part.size() <= kKeptLimit;
    if (keeps_) kept_.append(part);
  }
  if (!keeps_) kept_ = {};
  if (end) flow_.end();
  nghttp2_session_resume_data(connection_.session_, id_);
  connection_.pump_later();
}

void UpstreamH2Stream::send_trailers(Exchange&, std::string_view lines) {
  flow_.set_trailers(lines);
}

void UpstreamH2Stream::want_answer(Exchange&) {
  if (flow_.give_back(connection_.session_, id_)) connection_.pump_later();
}

void UpstreamH2Stream::abandon(Exchange&) {
  exchange_ = nullptr;
  flow_.drop();
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
  const std::string_view trailers = flow_.trailers();
  const bool end = flow_.ended() && trailers.empty();
  UpstreamH2::dispatch(exchange, target, connection_.from_, head_, Spans(&body, !body.empty()),
                       end);
  if (exchange.back != nullptr && !trailers.empty()) {
    exchange.back->send_trailers(exchange, trailers);
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
  if (exchange_ != nullptr) exchange_->respond_body({&data, 1}, false);
  const bool slow = exchange_ != nullptr && exchange_->front->front_blocked();
  flow_.came(connection_.session_, id_, data.size(), slow);
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
