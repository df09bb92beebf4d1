// The data plane as one object: workers, configuration, health, metrics. What the control socket
// asks for is answered here.
#pragma once

#include "proxy/engine/listening.h"
#include "proxy/engine/worker.h"
#include "proxy/health/checker.h"

namespace landfall::proxy {

class Engine {
 public:
  // threads: 0 takes one per processor.
  explicit Engine(unsigned threads = 0);
  ~Engine();

  // Calls come from one thread at a time.
  Result<Applied> apply(Snapshot snapshot);
  std::int64_t revision() const { return config_ ? config_->snapshot.revision : 0; }
  const std::string& boot() const { return boot_; }
  std::int64_t connections() const;
  HealthReport target_health() const;
  Metrics metrics() const;

  // For a successor: the configuration and the listening sockets, which stay open here.
  Handover hand_over(std::vector<int>& sockets) const;
  // From a predecessor; before the first apply().
  void inherit(const Handover& from, std::vector<io::Fd> sockets);

  // No new connections. Those that are open end with their next answer; idle ones end now if
  // `close_idle`, else they get one more answer.
  void drain(bool close_idle);

 private:
  const std::string boot_;
  Registry registry_;
  ListeningSockets listening_;
  HealthChecker health_;
  std::shared_ptr<const CompiledConfig> config_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace landfall::proxy
