#include "services/rds/metrics.h"

#include <gtest/gtest.h>

namespace landfall::rds {
namespace {

std::map<std::string, double> values_of(const std::vector<cloudwatch::Sample>& samples) {
  std::map<std::string, double> out;
  for (const cloudwatch::Sample& sample : samples) {
    EXPECT_EQ(sample.metric.space, "AWS/RDS");
    EXPECT_EQ(sample.metric.dimensions.at("DBInstanceIdentifier"), "db");
    out[sample.metric.name] = sample.values.at(0).first;
  }
  return out;
}

Measured measured(std::int64_t ms, std::uint64_t cpu_ns, std::uint64_t writes) {
  Measured out{from_unix_ms(ms), {}, {}};
  out.container.cpu_ns = cpu_ns;
  out.container.memory_limit_bytes = 1000;
  out.container.memory_working_bytes = 300;
  out.traffic.writes = writes;
  out.traffic.written_bytes = writes * 8192;
  out.traffic.write_ms = writes * 2;
  return out;
}

TEST(Metrics, RatesAreOfTheTimeBetween) {
  const Gauges gauges{2, 12345, Inside{3, 4, 5}};
  const Measured first = measured(0, 1'000'000'000, 10);
  const auto alone = values_of(samples_of("db", {}, first, gauges));
  EXPECT_EQ(alone.at("FreeStorageSpace"), 12345);
  EXPECT_EQ(alone.at("FreeableMemory"), 700);
  EXPECT_EQ(alone.at("DatabaseConnections"), 3);
  EXPECT_FALSE(alone.contains("CPUUtilization"));
  // 30 of 120 processor seconds; 600 writes in 60 s.
  const auto rates =
      values_of(samples_of("db", first, measured(60'000, 31'000'000'000, 610), gauges));
  EXPECT_DOUBLE_EQ(rates.at("CPUUtilization"), 25);
  EXPECT_DOUBLE_EQ(rates.at("WriteIOPS"), 10);
  EXPECT_DOUBLE_EQ(rates.at("WriteThroughput"), 81920);
  EXPECT_DOUBLE_EQ(rates.at("WriteLatency"), 0.002);
  EXPECT_DOUBLE_EQ(rates.at("ReadLatency"), 0);
  // Restarted in between: no rate is better than a wrong one.
  EXPECT_FALSE(values_of(samples_of("db", first, measured(60'000, 5, 610), gauges))
                   .contains("CPUUtilization"));
}

}  // namespace
}  // namespace landfall::rds
