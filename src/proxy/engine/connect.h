// Connections to targets, as every protocol makes them.
#pragma once

#include "proxy/engine/exchange.h"

namespace landfall::proxy {

// A socket that connects to the target from the network namespace `from`. -1: `why` is
// no_descriptors or connect_failed.
int start_connect(Worker& worker, const TargetState& target,
                  const std::shared_ptr<const NetworkNamespace>& from, Cause& why);

// What a connect() that failed means for the client.
struct ConnectFailure {
  int status;
  Cause cause;
};
ConnectFailure connect_failure(int error);

// Counts a connection to a target for as long as it lives: AWS's connection counts hold those of
// clients and those to targets.
class CountedConnection {
 public:
  CountedConnection(std::shared_ptr<BalancerState> balancer, unsigned thread, unsigned zone)
      : balancer_(std::move(balancer)), thread_(thread), zone_(zone) {
    counters().add(Count::new_connections);
  }
  ~CountedConnection() { counters().add(Count::closed_connections); }
  CountedConnection(const CountedConnection&) = delete;

 private:
  Counters& counters() { return balancer_->tally.at(thread_, zone_); }
  std::shared_ptr<BalancerState> balancer_;
  unsigned thread_, zone_;
};

}  // namespace landfall::proxy
