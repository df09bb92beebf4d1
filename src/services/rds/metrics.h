// What CloudWatch shows of DB instances: namespace AWS/RDS, dimension DBInstanceIdentifier, a value
// a minute.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
#pragma once

#include "services/cloudwatch/port.h"
#include "services/rds/service.h"

namespace landfall::rds {

// Counters of one instance at one moment.
struct Measured {
  TimePoint at{};
  host::ContainerStats container;
  host::VolumeTraffic traffic;
};

// What the server says of itself.
struct Inside {
  double connections = 0;
  double log_bytes = 0;              // WAL on its disk
  double oldest_transaction_id = 0;  // age
};

struct Gauges {
  int vcpus = 1;  // of the instance's class, as far as the machine has them
  std::uint64_t free_storage_bytes = 0;
  std::optional<Inside> inside;
};

// Of the time between two measurements; without an earlier one only what needs none.
std::vector<cloudwatch::Sample> samples_of(const std::string& identifier,
                                           const std::optional<Measured>& before,
                                           const Measured& now, const Gauges& gauges);

class InstanceMetrics {
 public:
  InstanceMetrics(Rds& rds, cloudwatch::Port& metrics, Millis every = std::chrono::minutes(1))
      : rds_(rds), metrics_(metrics), every_(every), scope_(rds.loop) {}
  void start() { scope_.spawn("rds-metrics", run()); }
  task<void> stop() { return scope_.stop(); }
  // Once; what start() does again and again.
  task<void> measure_all();

 private:
  task<void> run();
  task<Result<void>> measure(DbInstance instance);

  Rds& rds_;
  cloudwatch::Port& metrics_;
  Millis every_;
  std::map<std::string, Measured> before_;  // by resource id
  io::TaskScope scope_;
};

}  // namespace landfall::rds
