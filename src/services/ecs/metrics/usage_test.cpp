#include "services/ecs/metrics/usage.h"

#include <gtest/gtest.h>

namespace landfall::ecs {
namespace {

using namespace std::chrono_literals;
const TimePoint kNow = *parse_time("2026-11-21T12:00:00Z");

TaskReading task(std::string id, std::string service, std::uint64_t cpu_ms, std::uint64_t mib,
                 TimePoint started = kNow - 1h) {
  TaskReading out{.cluster = "c",
                  .service = std::move(service),
                  .family = "f",
                  .id = id,
                  .cpu_reserved = 256,
                  .memory_reserved_mib = 512};
  out.containers.push_back(
      {id + "-app", "app", started, {cpu_ms * 1'000'000, mib << 20, cpu_ms * 10, cpu_ms}});
  return out;
}

double average(const std::vector<cloudwatch::Sample>& samples, const std::string& name,
               std::size_t dimensions, double* count = nullptr) {
  for (const cloudwatch::Sample& sample : samples) {
    if (sample.metric.name != name || sample.metric.dimensions.size() != dimensions) continue;
    if (count) *count = sample.summary->sample_count;
    return sample.summary->sum / sample.summary->sample_count;
  }
  ADD_FAILURE() << "no " << name;
  return 0;
}

TEST(Meter, UsesWhatPassedBetweenTwoLooks) {
  Meter meter;
  EXPECT_TRUE(meter.look({task("a", "web", 50'000, 128)}, kNow, 20s).empty());
  // 1.25 s of CPU in 10 s is 128 units of the 256.
  const auto used = meter.look({task("a", "web", 51'250, 128)}, kNow + 10s, 20s);
  ASSERT_EQ(used.size(), 1U);
  EXPECT_DOUBLE_EQ(used[0].usage.cpu_units, 128);
  EXPECT_DOUBLE_EQ(used[0].usage.memory_mib, 128);
  EXPECT_DOUBLE_EQ(used[0].usage.received_per_s, 1250);
  EXPECT_DOUBLE_EQ(used[0].usage.sent_per_s, 125);
  const auto samples = utilization(used, kNow, true);
  EXPECT_EQ(samples.size(), 4U);
  EXPECT_DOUBLE_EQ(average(samples, "CPUUtilization", 2), 50);
  EXPECT_DOUBLE_EQ(average(samples, "MemoryUtilization", 2), 25);
  EXPECT_TRUE(samples[0].high_resolution);
  EXPECT_EQ(samples[0].time, kNow);
}

TEST(Meter, ANewTaskCountsFromItsBegin) {
  Meter meter;
  const auto used = meter.look({task("a", "web", 500, 1, kNow - 2s)}, kNow, 20s);
  ASSERT_EQ(used.size(), 1U);
  EXPECT_DOUBLE_EQ(used[0].usage.cpu_units, 256);
}

TEST(Meter, ATaskWithOneUnknownContainerIsLeftOut) {
  Meter meter;
  TaskReading two = task("a", "web", 500, 1);
  meter.look({two}, kNow, 20s);
  two.containers.push_back({"a-side", "side", kNow - 1h, {}});
  EXPECT_TRUE(meter.look({two}, kNow + 10s, 20s).empty());
  EXPECT_EQ(meter.look({two}, kNow + 20s, 20s).size(), 1U);
  EXPECT_TRUE(meter.look({two}, kNow + 20s, 20s).empty());  // no time has passed
}

TEST(Utilization, TasksOfAServiceTogether) {
  Meter meter;
  meter.look({task("a", "web", 0, 64), task("b", "web", 0, 192), task("c", "", 0, 512)}, kNow, 1s);
  const auto used =
      meter.look({task("a", "web", 2500, 64), task("b", "web", 0, 192), task("c", "", 2500, 512)},
                 kNow + 10s, 1s);
  const auto samples = utilization(used, kNow, false);
  double count = 0;
  EXPECT_DOUBLE_EQ(average(samples, "CPUUtilization", 2, &count), 50);
  EXPECT_EQ(count, 2);
  EXPECT_DOUBLE_EQ(average(samples, "MemoryUtilization", 2), 25);
  EXPECT_NEAR(average(samples, "CPUUtilization", 1, &count), 200.0 / 3, 1e-9);
  EXPECT_EQ(count, 3);
}

TEST(Insights, CountsAndReservations) {
  Meter meter;
  meter.look({task("a", "web", 0, 64), task("b", "web", 0, 64)}, kNow, 1s);
  const auto used =
      meter.look({task("a", "web", 2500, 64), task("b", "web", 0, 64)}, kNow + 10s, 1s);
  ClusterCounts counts{.cluster = "c", .tasks = 2, .services = {{"web", 3, 2, 1, 1}}};
  auto samples = insights(counts, used, kNow);
  EXPECT_DOUBLE_EQ(average(samples, "TaskCount", 1), 2);
  EXPECT_DOUBLE_EQ(average(samples, "ServiceCount", 1), 1);
  EXPECT_DOUBLE_EQ(average(samples, "DesiredTaskCount", 2), 3);
  EXPECT_DOUBLE_EQ(average(samples, "PendingTaskCount", 2), 1);
  EXPECT_DOUBLE_EQ(average(samples, "CpuReserved", 2), 256);
  EXPECT_DOUBLE_EQ(average(samples, "CpuUtilized", 2), 128);
  EXPECT_DOUBLE_EQ(average(samples, "MemoryReserved", 1), 512);
  const auto single = [](const auto& all) {
    return std::ranges::count_if(
        all, [](const auto& sample) { return sample.metric.dimensions.contains("ContainerName"); });
  };
  EXPECT_EQ(single(samples), 0);
  counts.enhanced = true;
  EXPECT_EQ(single(insights(counts, used, kNow)), 8);
  counts.cluster = "other";
  samples = insights(counts, used, kNow);
  EXPECT_EQ(samples.size(), 3U + 5U);
}

}  // namespace
}  // namespace landfall::ecs
