#include "proxy/log/health_check_log.h"

#include <gtest/gtest.h>

namespace landfall::proxy::testing {
namespace {

TEST(HealthCheckLog, LinesAsAwsWritesThem) {
  HealthCheckLine line{.type = "http",
                       .begun_us = 1'761'914'699'875'678,
                       .duration_us = 19'584,
                       .target = "172.31.20.97:80",
                       .group = "HCLogsTestIPs",
                       .passed = true,
                       .code = 200,
                       .reason = {}};
  EXPECT_EQ(format_health_check(line, "app/web/50dc6c495c0c9188", "10.0.1.5"),
            "http 2025-10-31T12:44:59.875678Z 0.019584000 172.31.20.97:80 HCLogsTestIPs PASS 200 - "
            "app/web/50dc6c495c0c9188 10.0.1.5");
  line.passed = false;
  line.code = -1;
  line.reason = "TimedOut";
  EXPECT_NE(format_health_check(line, "x", "").find(" FAIL - TimedOut x -"), std::string::npos);
}

TEST(HealthCheckLog, KeepsABoundedNumber) {
  HealthCheckLog log({}, "app/web/1", 1);
  log.set_nodes({"10.0.1.5", "10.0.2.5"});
  for (int i = 0; i < 20'000; ++i) log.push({.type = "http", .target = "a", .group = "b"});
  EXPECT_EQ(log.dropped(), 20'000u - 16'384u);
  const auto lines = log.take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines.contains("10.0.1.5"));
  EXPECT_TRUE(log.take().empty());
}

}  // namespace
}  // namespace landfall::proxy::testing
