#include "services/ecs/metrics/sampler.h"

#include <gtest/gtest.h>

#include "services/ecs/testing.h"

namespace landfall::ecs {
namespace {

using namespace std::chrono_literals;

class KeptSamples final : public cloudwatch::Port {
 public:
  std::vector<cloudwatch::Sample> samples;

  task<Result<void>> put(Scope, std::vector<cloudwatch::Sample> more) override {
    samples.insert(samples.end(), more.begin(), more.end());
    co_return Result<void>();
  }
  std::vector<cloudwatch::Point> statistics(const Scope&,
                                            const cloudwatch::StatisticQuery&) const override {
    return {};
  }
  std::optional<cloudwatch::AlarmView> alarm(const Scope&, const std::string&) const override {
    return {};
  }
  std::vector<std::string> alarms_with_action(const Scope&, const std::string&) const override {
    return {};
  }
  task<Result<void>> put_alarm(Scope, cloudwatch::AlarmSettings) override {
    co_return Result<void>();
  }
  task<Result<void>> delete_alarms(Scope, std::vector<std::string>) override {
    co_return Result<void>();
  }
  void add_action_handler(cloudwatch::ActionHandler) override {}

  double sum(const std::string& name, std::size_t dimensions) const {
    for (const cloudwatch::Sample& sample : samples) {
      if (sample.metric.name == name && sample.metric.dimensions.size() == dimensions)
        return sample.summary->sum;
    }
    return -1;
  }
};

TEST(NetDev, BytesOfTheTasksInterface) {
  const std::string text =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
      "drop "
      "fifo colls carrier compressed\n"
      "    lo:     500       5    0    0    0     0          0         0      500       5    0    "
      "0 "
      "   0     0       0          0\n"
      "  eth0: 1234567    1000    0    0    0     0          0         0    76543     900    0    "
      "0 "
      "   0     0       0          0\n";
  EXPECT_EQ(parse_net_dev(text), std::pair(std::uint64_t(1234567), std::uint64_t(76543)));
  EXPECT_EQ(parse_net_dev(""), std::nullopt);
  EXPECT_EQ(parse_net_dev("eth0: 1 2 3\n"), std::nullopt);
  EXPECT_EQ(parse_net_dev("eth0: x\n"), std::nullopt);
}

task<void> looks(TestEcs& t, KeptSamples& kept) {
  const Tables tables = t.ecs.tables(t.context().scope);
  ClusterRecord cluster{.name = "c"};
  TaskRecord task{.id = "t1", .cluster = "c", .family = "f", .service = "web"};
  task.cpu = "512";
  task.memory = "1024";
  task.status = TaskStatus::running;
  task.containers.push_back({.name = "app", .host_id = "h1"});
  ServiceRecord service{.name = "web", .cluster = "c", .desired_count = 2};
  service.deployments.push_back({});
  (void)co_await t.test.store->commit(
      {{},
       {tables.clusters.put("c", cluster), tables.tasks.put("c/t1", task),
        tables.services.put("c/web", service)}});
  (void)co_await t.containers.create({.id = "h1", .group = "t1"});
  (void)co_await t.containers.start("h1");
  const TimePoint start(t.test.clock.now().time_since_epoch() / 60s * 60s);

  Sampler sampler(t.fargate, kept, 10s);
  t.containers.set_stats("h1", {.cpu_ns = 0, .memory_working_bytes = 256 << 20});
  t.test.clock.set(start + 10min);
  co_await sampler.look(start + 10min);
  EXPECT_TRUE(kept.samples.empty());
  // 2 s of CPU in 10 s are 204.8 of the 512 units.
  t.containers.set_stats("h1", {.cpu_ns = 2'000'000'000, .memory_working_bytes = 256 << 20});
  co_await sampler.look(start + 10min + 10s);
  EXPECT_DOUBLE_EQ(kept.sum("CPUUtilization", 2), 40);
  EXPECT_DOUBLE_EQ(kept.sum("MemoryUtilization", 1), 25);
  EXPECT_EQ(kept.samples.at(0).time, start + 10min);
  EXPECT_EQ(kept.sum("DesiredTaskCount", 2), -1);

  cluster.settings.push_back({"containerInsights", "enabled"});
  (void)co_await t.test.store->commit({{}, {tables.clusters.put("c", cluster)}});
  co_await sampler.look(start + 11min);
  EXPECT_DOUBLE_EQ(kept.sum("DesiredTaskCount", 2), 2);
  EXPECT_DOUBLE_EQ(kept.sum("RunningTaskCount", 2), 1);
  EXPECT_DOUBLE_EQ(kept.sum("CpuReserved", 2), 512);
  EXPECT_EQ(kept.sum("ContainerCpuUtilized", 5), -1);
  co_await sampler.stop();
}

TEST(Sampler, TellsWhatTasksUse) {
  TestEcs t;
  KeptSamples kept;
  t.test.loop.run(looks(t, kept));
}

}  // namespace
}  // namespace landfall::ecs
