// The data plane as one object: workers, configuration, health, metrics. What the control socket
// asks for is answered here.
#pragma once

#include "proxy/engine/listening.h"
#include "proxy/engine/worker.h"

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

  void drain();

 private:
  const std::string boot_;
  Registry registry_;
  ListeningSockets listening_;
  std::shared_ptr<const CompiledConfig> config_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace landfall::proxy
