// A request that waits at a gate for an answer from outside. To its front it is a target that takes
// nothing while it waits; what has come of it is kept.
#pragma once

#include "proxy/engine/exchange.h"

namespace landfall::proxy {

class Parking final : public Back, public Timed, public std::enable_shared_from_this<Parking> {
 public:
  // What waits, made readable again.
  struct Kept {
    Exchange& exchange;
    const ClientFacts& client;
    http1::RequestHead& head;
    Spans body;
    bool end;
  };
  // After `limit_ms` the client gets `status`, and the access log `reason`. Only the worker's
  // thread may own what is returned; others hold it weakly and come back by Worker::post().
  static std::shared_ptr<Parking> park(Exchange& exchange, const ClientFacts& client,
                                       const http1::RequestHead& head, Spans body, bool end,
                                       std::int64_t limit_ms, int status, std::string_view reason);
  ~Parking() override;

  // Ends the wait and calls `work`; nothing when the client has gone meanwhile.
  void resume(const std::function<void(Kept&)>& work);

  void send_body(Exchange& exchange, Spans body, bool end) override;
  bool back_blocked() const override { return true; }
  void want_answer(Exchange&) override {}
  void abandon(Exchange&) override;
  void on_deadline() override;

 private:
  Parking(Exchange& exchange, const ClientFacts& client, int status, std::string_view reason);

  Worker& worker_;
  Exchange* exchange_;  // null: gone
  ClientFacts client_;  // its views are of the client's connection, which outlives the exchange
  std::string head_, body_;
  bool end_ = false;
  const int status_;
  const std::string_view reason_;
  std::shared_ptr<Parking> self_;
};

}  // namespace landfall::proxy
