#include "services/logs/metric_filters.h"

#include <gtest/gtest.h>

namespace landfall::logs {
namespace {

std::string show(const std::vector<cloudwatch::Sample>& samples) {
  std::string out;
  for (const auto& sample : samples) {
    out +=
        fmt::format("{}{}={}", out.empty() ? "" : "; ", sample.metric.name, sample.values[0].first);
    for (const auto& [name, value] : sample.metric.dimensions)
      out += fmt::format(",{}={}", name, value);
  }
  return out;
}

TEST(MetricFilters, MakeSamples) {
  const std::vector<LogEvent> events{
      {1000, R"({"level": "error", "ms": 12.5, "who": {"name": "a"}, "sizes": [1, 2]})"},
      {2000, R"({"level": "info", "ms": 3})"},
      {3000, "plain ERROR text"}};
  MetricFilterRecord filter{.name = "f", .pattern = "ERROR", .metric = "m", .value = "1"};
  EXPECT_EQ(show(samples_of({filter}, events)), "m=1");
  EXPECT_EQ(to_unix_ms(samples_of({filter}, events)[0].time), 3000);
  filter.pattern = "{ $.level = \"error\" }";
  filter.value = "$.ms";
  EXPECT_EQ(show(samples_of({filter}, events)), "m=12.5");
  filter.value = "$.sizes[1]";
  filter.dimensions = {{"Who", "$.who.name"}};
  EXPECT_EQ(show(samples_of({filter}, events)), "m=2,Who=a");
  // A dimension or value that is not there makes no sample.
  filter.dimensions = {{"Who", "$.who.age"}};
  EXPECT_EQ(show(samples_of({filter}, events)), "");
  filter.dimensions = {};
  filter.value = "$.who";
  EXPECT_EQ(show(samples_of({filter}, events)), "");
  filter.pattern = "[word, level, text]";
  filter.value = "1";
  EXPECT_EQ(show(samples_of({filter}, {events[2]})), "m=1");
  // What nothing matches has the default.
  filter.pattern = "FATAL";
  EXPECT_EQ(show(samples_of({filter}, events)), "");
  filter.default_value = 0;
  EXPECT_EQ(show(samples_of({filter}, events)), "m=0");
  EXPECT_EQ(show(samples_of({filter}, {})), "");
}

}  // namespace
}  // namespace landfall::logs
