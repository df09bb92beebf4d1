// A connection to a target that speaks HTTP/2, with many exchanges at once. Belongs to one worker;
// it is on the target's list for as long as it takes new ones.
#pragma once

#include <map>

#include "proxy/engine/connect.h"
#include "proxy/http2/session.h"

namespace landfall::proxy {

class UpstreamH2;

// One exchange on it.
class UpstreamH2Stream final : public Back {
 public:
  UpstreamH2Stream(UpstreamH2& connection, Exchange& exchange, std::string_view head, bool end);

  void send_body(Exchange& exchange, Spans body, bool end) override;
  void send_trailers(Exchange& exchange, std::string_view lines) override;
  bool back_blocked() const override { return flow_.blocked(); }
  void want_answer(Exchange& exchange) override;
  void abandon(Exchange& exchange) override;
  // For nghttp2: what it sends next, how much that is, and its flags.
  ssize_t read(std::uint8_t* out, std::size_t size, std::uint32_t& flags);

 private:
  friend class UpstreamH2;
  friend struct UpstreamH2Callbacks;

  // A field of the answer's head, or of its trailers. False: too much of it.
  bool add_field(std::string_view name, std::string_view value);
  void take_head(bool end);
  void take_data(std::string_view data);
  void take_end();
  // nghttp2 has closed it.
  void closed(std::uint32_t error);
  void fail(int status, Cause cause);
  // Once more on another connection: nobody has looked at it yet.
  bool again();

  UpstreamH2& connection_;
  Exchange* exchange_;  // null: over
  std::int32_t id_ = -1;
  std::string head_;  // of the request, as HTTP/1
  std::string kept_;  // the body so far, while it may be sent again
  bool keeps_ = true;
  Http2Flow flow_;  // out: the request's body; in: the answer's
  int status_ = 0;
  std::string fields_;
  bool answered_ = false;  // the head has gone to the front
  bool touched_ = false;   // the target has said something about it
};

class UpstreamH2 final : public Stream {
 public:
  // Sends a request on a connection that has room, or on a new one.
  static void dispatch(Exchange& exchange, TargetState& target,
                       const std::shared_ptr<const NetworkNamespace>& from, std::string_view head,
                       Spans body, bool end);
  // No new requests to a target that has left: its connections end with their last exchange.
  static void close_idle(TargetState& target, unsigned worker);
  // Ends what is in flight to a target whose deregistration delay has passed.
  static void fail_busy(TargetState& target, unsigned worker);

  ~UpstreamH2() override;
  void on_deadline() override;

 protected:
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override { pump(); }
  void on_broken(int error) override;
  void on_open() override;

 private:
  friend class UpstreamH2Stream;
  friend struct UpstreamH2Callbacks;
  // Sends what is ready at the end of the worker's round.
  struct Pump final : Pollable {
    explicit Pump(UpstreamH2& of) : of(of) {}
    void on_events(std::uint32_t) override {}
    void on_resume() override { of.pump(); }
    void on_deadline() override {}
    UpstreamH2& of;
  };

  UpstreamH2(const Exchange& exchange, int fd, std::shared_ptr<TargetState> target,
             std::shared_ptr<const NetworkNamespace> from);
  static UpstreamH2* find_open(Worker& worker, TargetState& target, const NetworkNamespace* from);
  static UpstreamH2* connect(const Exchange& exchange, TargetState& target,
                             const std::shared_ptr<const NetworkNamespace>& from, Cause& cause);
  // False: this connection takes no more.
  bool begin(Exchange& exchange, std::string_view head, Spans body, bool end);
  bool has_room() const;
  void pump();
  void pump_later() { worker_.later(pump_); }
  void unlink();
  void fail_all(int status, Cause cause);
  UpstreamH2Stream* find(std::int32_t id);

  CountedConnection counted_;
  std::shared_ptr<TargetState> target_;
  std::shared_ptr<const NetworkNamespace> from_;
  Pump pump_;
  Http2Session session_;
  std::map<std::int32_t, std::unique_ptr<UpstreamH2Stream>> streams_;
  UpstreamH2* next_ = nullptr;
  bool listed_ = false;
  bool opened_ = false;
  bool secure_ = false;
};

}  // namespace landfall::proxy
