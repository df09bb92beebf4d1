// A client's connection that speaks HTTP/2: every stream is an exchange of its own, which sees the
// request as an HTTP/1.1 head and so passes through the same rules and rewriting.
#pragma once

#include <map>

#include "proxy/engine/exchange.h"
#include "proxy/http2/session.h"

namespace landfall::proxy {

class Client;
class Http2Front;

class Http2Stream final : public Front, public Timed {
 public:
  Http2Stream(Http2Front& connection, std::int32_t id);
  ~Http2Stream() override;

  // False: the field cannot be taken, the stream must be reset.
  bool add_field(std::string_view name, std::string_view value);
  void start(bool end);
  void take_data(std::string_view data);
  void end_data();
  bool add_trailer_field(std::string_view name, std::string_view value);
  void client_gone();
  // For nghttp2: what it sends next, how much that is, and its flags.
  ssize_t read(std::uint8_t* out, std::size_t size, std::uint32_t& flags);

  void respond(Exchange& exchange, const http1::ResponseHead& head, Spans body, bool end) override;
  void interim(Exchange& exchange, const http1::ResponseHead& head) override;
  void body(Exchange& exchange, Spans body, bool end) override;
  void trailers(Exchange&, std::string_view lines) override { flow_.set_trailers(lines); }
  void answer(Exchange& exchange, const OwnAnswer& answer) override;
  void cut(Exchange& exchange) override;
  void want_body(Exchange& exchange) override;
  bool wants_data(const Exchange&) const override { return true; }
  bool front_blocked() const override { return flow_.blocked(); }
  void open_tunnel(Exchange& exchange, const http1::ResponseHead& head,
                   std::string_view first) override;
  void on_deadline() override;

 private:
  friend class Http2Front;
  friend struct Http2Callbacks;
  void touch();
  void finish();

  Http2Front& connection_;
  const std::int32_t id_;
  Exchange* exchange_ = nullptr;
  std::string method_, path_, authority_, scheme_;
  std::string fields_;   // "name: value\r\n" ...
  std::string cookies_;  // crumbs, joined (RFC 9113, 8.2.3)
  bool has_length_ = false;
  bool chunked_ = false;
  bool started_ = false;
  std::string request_trailers_;  // as lines
  Http2Flow flow_;                // out: the answer; in: the request's body
};

class Http2Front final : public Pollable {
 public:
  Http2Front(Worker& worker, Client& client);
  ~Http2Front() override;

  void on_bytes(std::string_view bytes);
  // Sends what is ready, as far as the socket takes it.
  void pump();
  void pump_later() { worker_.later(*this); }
  void client_gone();
  // No further streams.
  void go_away();
  bool idle() const { return streams_.empty(); }

  void on_events(std::uint32_t) override {}
  void on_resume() override { pump(); }
  void on_deadline() override {}

 private:
  friend class Http2Stream;
  friend struct Http2Callbacks;
  Http2Stream* find(std::int32_t id);

  Worker& worker_;
  Client& client_;
  Http2Session session_;
  std::map<std::int32_t, std::unique_ptr<Http2Stream>> streams_;
  int requests_ = 0;
};

}  // namespace landfall::proxy
