#include "services/cloudwatch/alarms/evaluate.h"

#include <gtest/gtest.h>

#include "services/cloudwatch/alarms/wording.h"

namespace landfall::cloudwatch {
namespace {

AlarmRecord alarm_of(std::int32_t wanted, std::int32_t to_alarm, const std::string& treat) {
  AlarmRecord out;
  out.evaluation_periods = wanted;
  out.datapoints_to_alarm = to_alarm;
  out.threshold = 10;
  out.comparison = "GreaterThanThreshold";
  out.treat_missing_data = treat;
  out.period_s = 60;
  return out;
}

// "0 - X": good, missing, breaching; the latest at the right.
std::vector<Evaluated> points_of(std::string_view text) {
  std::vector<Evaluated> out;
  for (const char c : text) {
    if (c == ' ') continue;
    Evaluated point{.time = from_unix_ms(1'795'255'200'000 + std::int64_t(out.size()) * 60'000)};
    if (c != '-') point.value = c == 'X' ? 20 : 0;
    out.push_back(point);
  }
  return out;
}

std::string state_of(std::string_view points, std::int32_t to_alarm, const std::string& treat) {
  const Verdict verdict = evaluate(alarm_of(3, to_alarm, treat), points_of(points));
  return verdict.state ? std::string(to_text(*verdict.state)) : "retained";
}

// The tables of the documentation: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
// alarms-and-missing-data.html
struct Row {
  const char* points;
  std::int32_t to_alarm;
  const char* missing;
  const char* ignore;
  const char* breaching;
  const char* not_breaching;
};

class Documented : public testing::TestWithParam<Row> {};

TEST_P(Documented, States) {
  const Row& row = GetParam();
  EXPECT_EQ(state_of(row.points, row.to_alarm, "missing"), row.missing);
  EXPECT_EQ(state_of(row.points, row.to_alarm, ""), row.missing);
  EXPECT_EQ(state_of(row.points, row.to_alarm, "ignore"), row.ignore);
  EXPECT_EQ(state_of(row.points, row.to_alarm, "breaching"), row.breaching);
  EXPECT_EQ(state_of(row.points, row.to_alarm, "notBreaching"), row.not_breaching);
}

INSTANTIATE_TEST_SUITE_P(Tables, Documented,
                         testing::Values(
                             // All 3 of 3.
                             Row{"0 - X - X", 3, "OK", "OK", "OK", "OK"},
                             Row{"0 - - - -", 3, "OK", "OK", "OK", "OK"},
                             Row{"- - - - -", 3, "INSUFFICIENT_DATA", "retained", "ALARM", "OK"},
                             Row{"0 X X - X", 3, "ALARM", "ALARM", "ALARM", "ALARM"},
                             Row{"- - X - -", 3, "ALARM", "retained", "ALARM", "OK"},
                             // 2 of 3.
                             Row{"0 - X - X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
                             Row{"0 0 X 0 X", 2, "ALARM", "ALARM", "ALARM", "ALARM"},
                             Row{"0 - X - -", 2, "OK", "OK", "ALARM", "OK"},
                             Row{"- - - - 0", 2, "OK", "OK", "ALARM", "OK"},
                             Row{"- - - X -", 2, "ALARM", "retained", "ALARM", "OK"},
                             // "does not go immediately into ALARM state"
                             Row{"- - - - X", 3, "OK", "retained", "ALARM", "OK"},
                             Row{"- - - X -", 3, "OK", "retained", "ALARM", "OK"},
                             // Real data alone decides.
                             Row{"X X 0 0 0", 2, "OK", "OK", "OK", "OK"},
                             Row{"0 0 X X X", 3, "ALARM", "ALARM", "ALARM", "ALARM"}));

TEST(Evaluate, ComparesEveryWay) {
  struct Case {
    const char* comparison;
    bool below, equal, above;
  };
  for (const Case& c : {Case{"GreaterThanThreshold", false, false, true},
                        Case{"GreaterThanOrEqualToThreshold", false, true, true},
                        Case{"LessThanThreshold", true, false, false},
                        Case{"LessThanOrEqualToThreshold", true, true, false}}) {
    EXPECT_EQ(breaches(c.comparison, 9, 10), c.below) << c.comparison;
    EXPECT_EQ(breaches(c.comparison, 10, 10), c.equal) << c.comparison;
    EXPECT_EQ(breaches(c.comparison, 11, 10), c.above) << c.comparison;
  }
}

TEST(Evaluate, GivesReasonsAsAwsWordsThem) {
  const AlarmRecord one = alarm_of(1, 0, "");
  EXPECT_EQ(evaluate(one, points_of("0 0 X")).reason,
            "Threshold Crossed: 1 out of the last 1 datapoints [20.0 (21/11/26 10:02:00)] was "
            "greater than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition).");
  EXPECT_EQ(evaluate(one, points_of("X X 0")).reason,
            "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (21/11/26 10:02:00)] was not "
            "greater than the threshold (10.0) (minimum 1 datapoint for ALARM -> OK transition).");
  EXPECT_EQ(evaluate(one, points_of("- - -")).reason,
            "Insufficient Data: 1 datapoint was unknown.");
  EXPECT_EQ(evaluate(alarm_of(3, 2, "missing"), points_of("0 0 X 0 X")).reason,
            "Threshold Crossed: 2 out of the last 3 datapoints [20.0 (21/11/26 10:04:00), 20.0 "
            "(21/11/26 10:02:00)] were greater than the threshold (10.0) (minimum 2 datapoints for "
            "OK -> ALARM transition).");
  EXPECT_EQ(evaluate(alarm_of(3, 3, "breaching"), points_of("- - - - -")).reason,
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints "
            "were treated as [Breaching].");
  EXPECT_EQ(evaluate(alarm_of(1, 1, "notBreaching"), points_of("- - -")).reason,
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint "
            "was treated as [NonBreaching].");
}

TEST(Evaluate, TellsWhatItSaw) {
  AlarmRecord alarm = alarm_of(2, 0, "");
  alarm.statistic = "Average";
  const auto points = points_of("0 - X X");
  const Verdict verdict = evaluate(alarm, points);
  EXPECT_EQ(reason_data(alarm, points, verdict, from_unix_ms(1'795'255'445'123)),
            "{\"version\":\"1.0\",\"queryDate\":\"2026-11-21T10:04:05.123+0000\",\"startDate\":"
            "\"2026-11-21T10:02:00.000+0000\",\"statistic\":\"Average\",\"period\":60,"
            "\"recentDatapoints\":[20.0,20.0],\"threshold\":10.0,\"evaluatedDatapoints\":[{"
            "\"timestamp\":\"2026-11-21T10:03:00.000+0000\",\"value\":20.0},{\"timestamp\":"
            "\"2026-11-21T10:02:00.000+0000\",\"value\":20.0},{\"timestamp\":\"2026-11-21T10:00:00."
            "000+0000\",\"value\":0.0}]}");
}

TEST(Wording, WritesNumbersAsJavaDoes) {
  EXPECT_EQ(java_number(0), "0.0");
  EXPECT_EQ(java_number(95), "95.0");
  EXPECT_EQ(java_number(99.50416), "99.50416");
  EXPECT_EQ(java_number(-0.5), "-0.5");
  EXPECT_EQ(java_number(12'345'678), "1.2345678E7");
  EXPECT_EQ(java_number(1e7), "1.0E7");
  EXPECT_EQ(java_number(0.0001), "1.0E-4");
}

}  // namespace
}  // namespace landfall::cloudwatch
