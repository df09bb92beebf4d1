#include "proxy/auth/parking.h"

#include "base/check.h"
#include "proxy/auth/gate.h"

namespace landfall::proxy {

Parking::Parking(Exchange& exchange, const ClientFacts& client, int status, std::string_view reason)
    : worker_(exchange.worker),
      exchange_(&exchange),
      client_(client),
      status_(status),
      reason_(reason) {}

Parking::~Parking() { worker_.timers().remove(*this); }

std::shared_ptr<Parking> Parking::park(Exchange& exchange, const ClientFacts& client,
                                       const http1::RequestHead& head, Spans body, bool end,
                                       std::int64_t limit_ms, int status, std::string_view reason) {
  std::shared_ptr<Parking> out(new Parking(exchange, client, status, reason));
  out->self_ = out;
  out->head_ = fmt::format("{} {} HTTP/1.{}\r\n", head.method, head.target, head.minor_version);
  for (const http1::Field& field : head.fields) out->head_.append(field.line);
  out->head_.append("\r\n");
  for (const std::string_view part : body) out->body_.append(part);
  out->end_ = end;
  // HTTP/2 has no chunks; whether the target wants them is only known when one is chosen.
  exchange.admission->bare = client.http2 && head.framing.chunked;
  exchange.plain_body = client.http2;
  exchange.back = out.get();
  out->worker_.timers().set(*out, out->worker_.now_ms() + limit_ms);
  return out;
}

void Parking::send_body(Exchange&, Spans body, bool end) {
  for (const std::string_view part : body) body_.append(part);
  end_ = end_ || end;
}

void Parking::abandon(Exchange&) {
  exchange_ = nullptr;
  worker_.timers().clear(*this);
  // Its caller may still be inside one of our functions.
  worker_.post([self = std::move(self_)] {});
}

void Parking::on_deadline() {
  if (exchange_ == nullptr) return;
  refuse(*exchange_, status_, reason_);
}

void Parking::resume(const std::function<void(Kept&)>& work) {
  const auto self = std::move(self_);
  Exchange* exchange = std::exchange(exchange_, nullptr);
  if (exchange == nullptr) return;
  worker_.timers().clear(*this);
  exchange->back = nullptr;
  http1::RequestHead& head = worker_.request_head();
  CHECK(http1::parse_request(head_, head) == http1::Parsed::complete);
  if (client_.http2) head.upgrade = false;
  const std::string_view body = body_;
  Kept kept{*exchange, client_, head, Spans(&body, body_.empty() ? 0 : 1), end_};
  exchange->front->want_body(*exchange);
  work(kept);
}

}  // namespace landfall::proxy
