// A client's connection: HTTP/1, plain or by TLS; HTTP/2 when the handshake agreed on it.
#pragma once

#include "proxy/engine/exchange.h"
#include "proxy/http1/chunked.h"

namespace landfall::proxy {

class Http2Front;

class Client final : public Stream, public Front {
 public:
  Client(Worker& worker, int fd, const ListenerSocket& socket, const PeerAddress& peer,
         const CompiledBalancer& balancer);
  ~Client() override;

  // A new connection: waits for its first request (or the handshake).
  void opened();
  // From here on it speaks HTTP/2.
  Http2Front& begin_http2();
  // Closes, for HTTP/2.
  void shut();
  ClientFacts facts() const;
  std::int64_t idle_timeout_ms() const;
  // The process is about to end: idle connections close now, others after their answer.
  void drain() override;

  void respond(Exchange& exchange, const http1::ResponseHead& head, Spans body, bool end) override;
  void interim(Exchange& exchange, const http1::ResponseHead& head) override;
  void body(Exchange& exchange, Spans body, bool end) override;
  void answer(Exchange& exchange, const OwnAnswer& answer) override;
  void cut(Exchange& exchange) override;
  void want_body(Exchange& exchange) override;
  bool wants_data(const Exchange& exchange) const override { return exchange.http10; }
  bool front_blocked() const override { return blocked(); }
  void open_tunnel(Exchange& exchange, const http1::ResponseHead& head,
                   std::string_view first) override;
  void on_deadline() override;

 protected:
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_broken(int error) override;
  void on_open() override;

 private:
  enum class Phase : std::uint8_t {
    head,    // between requests or inside a head
    body,    // the request's body
    answer,  // the request is complete, the answer is not
    tunnel,  // after 101
    ending,  // what is kept is still being sent, then it closes
    linger,  // all is said; reads on so that the peer gets to read it
  };
  bool read_head(std::string_view& bytes);
  void read_body(std::string_view& bytes);
  bool take_body(std::string_view& bytes, std::vector<std::string_view>& out, bool& end);
  void refuse(int status, Cause cause);
  void done();
  void end_connection();
  void touch();
  // A line of the connection log, if there is one.
  void log_connection(bool failed);
  bool closes(const Exchange& exchange) const;
  const CompiledListener* listener() const;

  Exchange* exchange_ = nullptr;
  std::unique_ptr<Http2Front> http2_;
  std::shared_ptr<const NetworkNamespace> where_;
  std::shared_ptr<BalancerState> balancer_;
  PeerAddress peer_;
  std::uint16_t port_;
  std::uint32_t slot_;
  std::uint32_t opened_seconds_;
  std::uint8_t zone_;
  std::uint8_t node_;
  // Only where logs are kept.
  struct Logged {
    std::uint64_t id;
    std::int64_t accepted_us;
    std::shared_ptr<ConnectionLog> log;  // empty: only requests are logged
  };
  std::unique_ptr<Logged> logged_;
  Phase phase_ = Phase::head;
  bool close_after_ = false;
  bool chunked_ = false;
  bool working_ = false;   // inside on_bytes(): what follows is handled there
  bool answered_ = false;  // the answer ended before the request did
  std::uint64_t left_ = 0;
  http1::ChunkedReader chunks_;
};

}  // namespace landfall::proxy
