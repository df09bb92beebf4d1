// A connection to a target, HTTP/1.1. Belongs to one worker; between requests it waits in the
// target's list of idle connections, most recently used first.
#pragma once

#include "proxy/engine/connect.h"
#include "proxy/http1/chunked.h"

namespace landfall::proxy {

class UpstreamH1 final : public Stream, public Back {
 public:
  // Sends a request on an idle connection or on a new one.
  static void dispatch(Exchange& exchange, TargetState& target,
                       const std::shared_ptr<const NetworkNamespace>& from, std::string_view head,
                       Spans body, bool end);
  // Closes what waits for requests.
  static void close_idle(TargetState& target, unsigned worker);
  // Ends what is in flight to a target whose deregistration delay has passed.
  static void fail_busy(TargetState& target, unsigned worker);

  ~UpstreamH1() override;

  void send_body(Exchange& exchange, Spans body, bool end) override;
  bool back_blocked() const override { return blocked(); }
  void want_answer(Exchange&) override { resume(); }
  void abandon(Exchange& exchange) override;
  void on_deadline() override;

 protected:
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_broken(int error) override;
  void on_open() override;

 private:
  enum class Phase : std::uint8_t { head, length, chunked, until_close, tunnel };

  UpstreamH1(const Exchange& exchange, int fd, std::shared_ptr<TargetState> target,
             std::shared_ptr<const NetworkNamespace> from);
  static UpstreamH1* take_idle(Worker& worker, TargetState& target, const NetworkNamespace* from);
  // Null: `cause` says why.
  static UpstreamH1* connect(const Exchange& exchange, TargetState& target,
                             const std::shared_ptr<const NetworkNamespace>& from, Cause& cause);
  void begin(Exchange& exchange, std::string_view head, Spans body, bool end);
  void link(UpstreamH1*& list);
  void unlink();
  bool read_head(std::string_view& bytes);
  // False: broken framing.
  bool take_body(std::string_view& bytes, std::vector<std::string_view>& out, bool& end);
  void complete(std::string_view rest);
  void failed(int status, Cause cause);
  bool retry();

  TargetState::Connections& connections();

  CountedConnection counted_;
  std::shared_ptr<TargetState> target_;
  std::shared_ptr<const NetworkNamespace> from_;
  Exchange* exchange_ = nullptr;
  UpstreamH1* next_ = nullptr;
  UpstreamH1* previous_ = nullptr;
  UpstreamH1** list_ = nullptr;
  Phase phase_ = Phase::head;
  bool reused_ = false;
  bool keep_ = true;
  bool answer_seen_ = false;  // some byte of it
  bool write_broken_ = false;
  std::uint64_t left_ = 0;
  http1::ChunkedReader chunks_;
  std::string replay_;
};

}  // namespace landfall::proxy
