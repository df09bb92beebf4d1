// Reads the proxy's counters every minute and hands what is new to CloudWatch.
#pragma once

#include "proxy/control.h"
#include "services/elbv2/metrics.h"
#include "services/elbv2/service.h"

namespace landfall::elbv2 {

class Meter {
 public:
  // folder: <data folder>/proxy; how far the counters were read is kept there, so that a restart of
  // the server neither loses counts nor tells them twice.
  Meter(Elbv2& elbv2, std::filesystem::path folder);

  void start();
  task<void> stop();

  // One reading: tells Elbv2::metric_sink what is new, as of the minute that ended last. When the
  // sink fails the next reading tells it again.
  task<Result<void>> read();
  // For Prometheus; empty when no proxy runs.
  task<std::string> prometheus();

 private:
  task<void> run();
  task<Result<void>> load();

  Elbv2& elbv2_;
  const std::filesystem::path file_;
  proxy::Control control_;
  io::TaskScope tasks_;
  std::optional<MetricsMark> mark_;
};

}  // namespace landfall::elbv2
