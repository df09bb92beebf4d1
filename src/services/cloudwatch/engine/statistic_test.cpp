#include "services/cloudwatch/engine/statistic.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace landfall::cloudwatch {
namespace {

double of(std::string_view name, const Bucket& bucket) {
  const auto statistic = Statistic::parse(name);
  EXPECT_TRUE(statistic) << name;
  const auto value = statistic ? statistic->of(bucket) : std::nullopt;
  return value ? *value : NAN;
}

Bucket one_to(int last) {
  Bucket out;
  for (int i = 1; i <= last; ++i) out.add(i, 1);
  return out;
}

TEST(Statistic, SimpleOnes) {
  const Bucket bucket = one_to(4);
  EXPECT_EQ(of("SampleCount", bucket), 4);
  EXPECT_EQ(of("Sum", bucket), 10);
  EXPECT_EQ(of("Average", bucket), 2.5);
  EXPECT_EQ(of("Minimum", bucket), 1);
  EXPECT_EQ(of("Maximum", bucket), 4);
  EXPECT_TRUE(std::isnan(of("Average", Bucket{})));
}

TEST(Statistic, PercentilesOfFewValuesAreExact) {
  const Bucket bucket = one_to(10);
  const std::pair<const char*, double> cases[] = {
      {"p0", 1},
      {"p10", 1},
      {"p50", 5},
      {"p90", 9},
      {"p99", 10},
      {"p100", 10},
      {"p99.9", 10},
      {"tm90", 5},
      {"TM(10%:90%)", 5.5},
      {"TM(2:5)", 4},
      {"IQM", 5.5},
      {"tc50", 5},
      {"TS(:50%)", 15},
      {"PR(:5)", 50},
      {"PR(5:)", 50},
      {"WM(20%:80%)", 5.3},
  };
  for (const auto& [name, expected] : cases) EXPECT_NEAR(of(name, bucket), expected, 1e-9) << name;
}

TEST(Statistic, RefusesOthers) {
  for (const char* name : {"", "p", "p101", "p-1", "average", "tm", "TM(90%:10%)", "TM(:)", "PR50",
                           "PR(1%:2%)", "p99x", "TM(1%:2)", "sum"}) {
    EXPECT_FALSE(Statistic::parse(name)) << name;
  }
}

TEST(Distribution, ManyValuesAreOffByAPercentAtMost) {
  std::mt19937 random(7);
  std::lognormal_distribution<double> latency(3, 0.7);
  std::vector<double> all;
  Bucket bucket;
  for (int minute = 0; minute < 50; ++minute) {
    Bucket part;
    for (int i = 0; i < 400; ++i) {
      all.push_back(latency(random));
      part.add(all.back(), 1);
    }
    // As it goes to disk and back.
    Bucket read;
    ASSERT_TRUE(Bucket::decode(part.encode(), read));
    bucket.merge(read);
  }
  std::ranges::sort(all);
  for (const double percent : {1.0, 25.0, 50.0, 90.0, 99.0, 99.9}) {
    const double exact = all[std::size_t(percent / 100 * double(all.size()))];
    EXPECT_NEAR(of("p" + std::to_string(percent), bucket) / exact, 1, 0.02) << percent;
  }
  EXPECT_EQ(of("p100", bucket), all.back());
  EXPECT_EQ(of("p0", bucket), all.front());
  EXPECT_LE(bucket.distribution.entries().size(), 320u);
  EXPECT_LT(bucket.encode().size(), 1500u);
}

TEST(Distribution, NegativeValuesAndZero) {
  Bucket bucket;
  for (int i = -500; i <= 500; ++i) bucket.add(i, 1);
  Bucket read;
  ASSERT_TRUE(Bucket::decode(bucket.encode(), read));
  EXPECT_NEAR(of("p50", read), 0, 2);
  EXPECT_NEAR(of("p25", read), -250, 12);
  EXPECT_NEAR(of("p75", read), 250, 12);
  EXPECT_EQ(of("Minimum", read), -500);
  // Extreme ranges stay bounded.
  Bucket wide;
  for (int i = -300; i < 300; ++i) wide.add(std::exp2(i), 1), wide.add(-std::exp2(i), 1);
  EXPECT_LE(wide.distribution.entries().size(), 320u);
  ASSERT_TRUE(Bucket::decode(wide.encode(), read));
  EXPECT_EQ(of("SampleCount", read), 1200);
}

TEST(Bucket, StatisticSetsHaveNoPercentiles) {
  Bucket bucket;
  bucket.add(5, 1);
  EXPECT_EQ(of("p50", bucket), 5);
  bucket.add_summary(3, 30, 5, 15);
  EXPECT_TRUE(std::isnan(of("p50", bucket)));
  EXPECT_EQ(of("Average", bucket), 8.75);
  EXPECT_EQ(of("Maximum", bucket), 15);
  // Those that tell their distribution do.
  Bucket equal;
  equal.add_summary(3, 30, 10, 10);
  equal.add_summary(1, 7, 7, 7);
  EXPECT_EQ(of("p50", equal), 10);
  EXPECT_EQ(of("p25", equal), 7);
}

TEST(Bucket, RefusesDamagedBytes) {
  const std::string whole = one_to(100).encode();
  Bucket read;
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_FALSE(Bucket::decode(std::string_view(whole).substr(0, cut), read)) << cut;
  EXPECT_TRUE(Bucket::decode(whole, read));
}

}  // namespace
}  // namespace landfall::cloudwatch
