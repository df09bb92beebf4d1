// A connection that is not HTTP: bytes in both directions between a client and a target, each
// direction ending by itself. TCP and TLS listeners (network load balancers).
#pragma once

#include "proxy/engine/worker.h"
#include "proxy/rules/address.h"

namespace landfall::proxy {

class PassThrough final : public Stream {
 public:
  // Takes the accepted descriptor. Without a target the client is reset, as a closed port would.
  static void open(Worker& worker, int fd, const ListenerSocket& socket, const PeerAddress& peer,
                   const CompiledListener& listener);
  ~PassThrough() override;
  // Resets the worker's connections to the target.
  static void end_all(TargetState& target, unsigned worker);
  void on_deadline() override;

 protected:
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_drained() override;
  void on_broken(int error) override;

 private:
  struct Shared {
    std::shared_ptr<BalancerState> balancer;
    std::shared_ptr<TargetState> target;
    std::shared_ptr<Tally> tally;
    Counters& counts;        // the load balancer's
    Counters& group_counts;  // the target group's
    std::int64_t idle_ms = 350'000;
  };
  PassThrough(Worker& worker, int fd, std::shared_ptr<const Shared> shared, bool is_client);
  // The client's side is on its target's list.
  void link();
  void unlink();
  void touch();
  void end_when_sent();
  void both_end(bool hard);

  std::shared_ptr<const Shared> shared_;
  PassThrough* other_ = nullptr;
  PassThrough* next_ = nullptr;
  PassThrough** former_ = nullptr;  // what points here; null: on no list
  const bool is_client_;
  bool finishing_ = false;  // no more comes from the other side
  bool finished_ = false;   // that has been told
  bool ended_ = false;      // no more comes from here
};

// The header of version 2 that tells a target who its client is. docs: proxy-protocol
std::string proxy_protocol_v2(const PeerAddress& client, const PeerAddress& ours);

}  // namespace landfall::proxy
