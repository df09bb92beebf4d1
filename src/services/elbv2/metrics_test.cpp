#include "services/elbv2/metrics.h"

#include <gtest/gtest.h>

namespace landfall::elbv2 {
namespace {

const std::string kArn = "arn:aws:elasticloadbalancing:us-west-1:123456789012:";
const std::string kBalancer = kArn + "loadbalancer/app/web/0123456789abcdef";
const std::string kGroup = kArn + "targetgroup/tg/fedcba9876543210";

proxy::Metrics reading(std::uint64_t requests, std::int64_t healthy = 2) {
  proxy::Metrics out{.boot = "one"};
  proxy::CounterSet own{.load_balancer = kBalancer, .zone = "us-west-1a"};
  own.counters = {{"RequestCount", requests}, {"ProcessedBytes", 100 * requests}};
  own.gauges = {{"ActiveConnectionCount", 3}};
  proxy::CounterSet group{.load_balancer = kBalancer, .target_group = kGroup, .zone = "us-west-1a"};
  group.counters = {{"RequestCount", requests}, {"HTTPCode_Target_2XX_Count", requests}};
  group.gauges = {
      {"HealthyHostCount", healthy}, {"UnHealthyHostCount", 0}, {"RegisteredHostCount", 2}};
  group.target_response_time = {.count = requests, .sum = 0.001 * double(requests)};
  group.target_response_time.buckets.resize(40);
  group.target_response_time.buckets[39] = requests;  // 896 to 1024 us
  out.sets = {own, group};
  return out;
}

struct Samples {
  std::vector<MetricSample> all;
  // Null: there is none.
  const MetricSample* find(const std::string& name,
                           const std::map<std::string, std::string>& at) const {
    for (const MetricSample& each : all)
      if (each.name == name && each.dimensions == at) return &each;
    return nullptr;
  }
  double sum(const std::string& name, const std::map<std::string, std::string>& at) const {
    const MetricSample* found = find(name, at);
    return found != nullptr ? found->sum : -1;
  }
};

const std::map<std::string, std::string> kWhole = {{"LoadBalancer", "app/web/0123456789abcdef"}};
const std::map<std::string, std::string> kHere = {{"LoadBalancer", "app/web/0123456789abcdef"},
                                                  {"AvailabilityZone", "us-west-1a"}};
const std::map<std::string, std::string> kBoth = {
    {"LoadBalancer", "app/web/0123456789abcdef"},
    {"TargetGroup", "targetgroup/tg/fedcba9876543210"}};

TEST(ElbMetrics, WhatIsNewUnderAwsNames) {
  MetricsMark mark;
  Samples first{take_samples(mark, {reading(100)})};
  EXPECT_EQ(first.sum("RequestCount", kWhole), 100);
  Samples second{take_samples(mark, {reading(160)})};
  const MetricSample* requests = second.find("RequestCount", kWhole);
  ASSERT_NE(requests, nullptr);
  EXPECT_EQ(requests->space, "AWS/ApplicationELB");
  EXPECT_EQ(requests->scope, (Scope{"123456789012", "us-west-1"}));
  EXPECT_EQ(requests->sum, 60);
  EXPECT_EQ(requests->sample_count, 60);
  EXPECT_EQ(requests->maximum, 1);
  EXPECT_EQ(second.sum("RequestCount", kHere), 60);
  EXPECT_EQ(second.sum("RequestCount", kBoth), 60);
  EXPECT_EQ(second.sum("RequestCountPerTarget", kBoth), 30);
  EXPECT_EQ(
      second.sum("RequestCountPerTarget", {{"TargetGroup", "targetgroup/tg/fedcba9876543210"}}),
      30);
  EXPECT_EQ(second.sum("HTTPCode_Target_2XX_Count", kBoth), 60);
  EXPECT_EQ(second.sum("HTTPCode_Target_2XX_Count", kWhole), 60);
  EXPECT_EQ(second.sum("ProcessedBytes", kWhole), 6000);
  EXPECT_EQ(second.sum("ActiveConnectionCount", kWhole), 3);
  EXPECT_EQ(second.sum("HealthyHostCount", kBoth), 2);
  EXPECT_EQ(second.find("HealthyHostCount", kWhole), nullptr);
  EXPECT_EQ(second.find("HTTPCode_ELB_5XX_Count", kWhole), nullptr);
  const MetricSample* times = second.find("TargetResponseTime", kBoth);
  ASSERT_NE(times, nullptr);
  EXPECT_EQ(times->unit, "Seconds");
  EXPECT_NEAR(times->sum, 0.06, 1e-9);
  ASSERT_EQ(times->values.size(), 1u);
  EXPECT_NEAR(times->values[0].first, 0.001, 1e-9);  // moved to the exact average
  EXPECT_EQ(times->values[0].second, 60);
}

TEST(ElbMetrics, LoginsAndTheirTimes) {
  MetricsMark mark;
  (void)take_samples(mark, {reading(1)});
  proxy::Metrics next = reading(2);
  next.sets[0].counters["ELBAuthSuccess"] = 2;
  next.sets[0].counters["ELBAuthFailure"] = 1;
  next.sets[0].auth_latency = {.count = 2, .sum = 0.5, .buckets = std::vector<std::uint64_t>(72)};
  next.sets[0].auth_latency.buckets.back() = 2;
  Samples samples{take_samples(mark, {next})};
  EXPECT_EQ(samples.sum("ELBAuthSuccess", kWhole), 2);
  EXPECT_EQ(samples.sum("ELBAuthFailure", kHere), 1);
  EXPECT_EQ(samples.find("ELBAuthError", kWhole), nullptr);
  const MetricSample* times = samples.find("ELBAuthLatency", kWhole);
  ASSERT_NE(times, nullptr);
  EXPECT_EQ(times->unit, "Milliseconds");
  EXPECT_NEAR(times->sum, 500, 1e-6);
  EXPECT_EQ(times->sample_count, 2);
}

TEST(ElbMetrics, NoTrafficIsReportedAsSuch) {
  MetricsMark mark;
  (void)take_samples(mark, {reading(7)});
  Samples idle{take_samples(mark, {reading(7)})};
  EXPECT_EQ(idle.sum("RequestCount", kWhole), 0);
  EXPECT_EQ(idle.sum("RequestCountPerTarget", kBoth), 0);  // so that scaling in sees it
  EXPECT_EQ(idle.find("TargetResponseTime", kBoth), nullptr);
  EXPECT_EQ(idle.find("HTTPCode_Target_2XX_Count", kBoth), nullptr);
  // Nobody healthy: divided by those that are registered.
  Samples sick{take_samples(mark, {reading(17, 0)})};
  EXPECT_EQ(sick.sum("RequestCountPerTarget", kBoth), 5);
}

TEST(ElbMetrics, AProcessAndItsSuccessorAddUp) {
  MetricsMark mark;
  (void)take_samples(mark, {reading(100)});
  proxy::Metrics old = reading(110), fresh = reading(5);
  old.draining = true;
  fresh.boot = "two";
  Samples both{take_samples(mark, {old, fresh})};
  EXPECT_EQ(both.sum("RequestCount", kWhole), 15);
  EXPECT_EQ(both.sum("HealthyHostCount", kBoth), 2);  // not four
  EXPECT_EQ(both.sum("ActiveConnectionCount", kWhole), 6);
  old.ended = true;
  old.sets[0].counters["RequestCount"] = 111;
  fresh.sets[0].counters["RequestCount"] = 8;
  Samples last{take_samples(mark, {old, fresh})};
  EXPECT_EQ(last.sum("RequestCount", kWhole), 4);
  EXPECT_EQ(last.sum("ActiveConnectionCount", kWhole), 3);
  EXPECT_FALSE(mark.processes.contains("one"));
  EXPECT_TRUE(mark.processes.contains("two"));
}

TEST(ElbMetrics, ARestartOfTheReaderLosesNothing) {
  MetricsMark mark;
  (void)take_samples(mark, {reading(100)});
  auto kept = record::from_text<MetricsMark>(record::to_text(mark));
  ASSERT_TRUE(kept);
  EXPECT_EQ((Samples{take_samples(*kept, {reading(130)})}.sum("RequestCount", kWhole)), 30);
  // A process that died and came back counts from nothing.
  proxy::Metrics fresh = reading(4);
  fresh.boot = "two";
  EXPECT_EQ((Samples{take_samples(*kept, {fresh})}.sum("RequestCount", kWhole)), 4);
  // So does a load balancer that was deleted and made again.
  fresh.sets[0].counters["RequestCount"] = 3;
  EXPECT_EQ((Samples{take_samples(*kept, {fresh})}.sum("RequestCount", kWhole)), 3);
}

TEST(ElbMetrics, NetworkLoadBalancers) {
  MetricsMark mark;
  proxy::Metrics metrics{.boot = "one"};
  proxy::CounterSet own{.load_balancer = kArn + "loadbalancer/net/tcp/0123456789abcdef",
                        .zone = "us-west-1a"};
  own.counters = {{"NewConnectionCount", 4}, {"ProcessedBytes", 9}, {"TCP_Client_Reset_Count", 2}};
  own.gauges = {{"ActiveConnectionCount", 1}};
  metrics.sets = {own};
  const std::map<std::string, std::string> whole = {{"LoadBalancer", "net/tcp/0123456789abcdef"}};
  Samples samples{take_samples(mark, {metrics})};
  EXPECT_EQ(samples.sum("NewFlowCount", whole), 4);
  EXPECT_EQ(samples.sum("ActiveFlowCount", whole), 1);
  EXPECT_EQ(samples.sum("TCP_Client_Reset_Count", whole), 2);
  EXPECT_EQ(samples.find("NewFlowCount", whole)->space, "AWS/NetworkELB");
  EXPECT_EQ(samples.find("RequestCount", whole), nullptr);
}

TEST(ElbMetrics, PrometheusText) {
  const std::string text = prometheus_text(reading(100));
  EXPECT_NE(text.find("# TYPE landfall_elb_request_total counter\n"
                      "landfall_elb_request_total{load_balancer=\"app/web/0123456789abcdef\","
                      "availability_zone=\"us-west-1a\"} 100\n"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find("landfall_elb_target_group_http_code_target_2xx_total{load_balancer=\"app/web/"
                "0123456789abcdef\",availability_zone=\"us-west-1a\",target_group=\"tg/"
                "fedcba9876543210\"} 100\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("landfall_elb_target_response_time_seconds_count"), std::string::npos);
  EXPECT_NE(text.find("le=\"0.001024\"} 100\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace landfall::elbv2
