// Reads the counters of running tasks and tells CloudWatch: AWS/ECS every few seconds, Container
// Insights every minute where a cluster asks for them.
#pragma once

#include "services/ecs/fargate.h"
#include "services/ecs/metrics/usage.h"

namespace landfall::ecs {

class Sampler {
 public:
  // period: between two looks; shorter than a minute's 60 s is kept by the second.
  Sampler(Fargate& fargate, cloudwatch::Port& cloudwatch, std::chrono::seconds period);
  void start();
  task<void> stop() { return scope_.stop(); }
  // For tests.
  task<void> look(TimePoint now);

 private:
  task<void> run();
  std::vector<TaskReading> read(const Tables& tables);
  task<void> put(Scope scope, std::vector<cloudwatch::Sample> samples);

  Fargate& fargate_;
  cloudwatch::Port& cloudwatch_;
  Millis period_;
  io::TaskScope scope_;
  struct Meters {
    Meter utilization;
    Meter insights;
  };
  std::map<Scope, Meters> meters_;
};

// Bytes received and sent by eth0, of the text of /proc/PID/net/dev.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_net_dev(std::string_view text);

}  // namespace landfall::ecs
