#include "base/schedule.h"

#include <gtest/gtest.h>

namespace landfall {
namespace {

TimePoint at(std::string_view text) { return *parse_time(text); }

std::string next(std::string_view schedule, std::string_view after, std::string_view zone = "",
                 std::string_view begin = "2026-01-01T00:00:00Z") {
  const auto parsed = Schedule::parse(schedule, zone);
  if (!parsed) return parsed.error().message;
  const auto found = parsed->next(at(after), at(begin));
  return found ? format_iso8601(*found) : "never";
}

TEST(Schedule, Cron) {
  struct Case {
    const char *schedule, *after, *next;
  };
  const Case cases[] = {
      {"cron(0 10 * * ? *)", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z"},
      {"cron(0 10 * * ? *)", "2026-11-21T10:00:00Z", "2026-11-22T10:00:00Z"},
      {"cron(15 12 * * ? *)", "2026-12-31T13:00:00Z", "2027-01-01T12:15:00Z"},
      {"cron(0 18 ? * MON-FRI *)", "2026-11-20T18:00:00Z", "2026-11-23T18:00:00Z"},
      {"cron(0 8 1 * ? *)", "2026-11-02T00:00:00Z", "2026-12-01T08:00:00Z"},
      {"cron(0/15 * * * ? *)", "2026-11-21T10:01:00Z", "2026-11-21T10:15:00Z"},
      {"cron(0/10 * ? * MON-FRI *)", "2026-11-20T23:50:00Z", "2026-11-23T00:00:00Z"},
      {"cron(0/5 8-17 ? * MON-FRI *)", "2026-11-20T17:55:00Z", "2026-11-23T08:00:00Z"},
      {"cron(0 0 L * ? *)", "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z"},
      {"cron(0 9 15W * ? *)", "2026-11-01T00:00:00Z", "2026-11-16T09:00:00Z"},
      {"cron(0 9 1W 8 ? *)", "2026-01-01T00:00:00Z", "2026-08-03T09:00:00Z"},
      {"cron(0 9 ? * 6#3 *)", "2026-11-01T00:00:00Z", "2026-11-20T09:00:00Z"},
      {"cron(0 9 ? * 6L *)", "2026-11-01T00:00:00Z", "2026-11-27T09:00:00Z"},
      {"cron(0 9 ? * FRI-MON *)", "2026-11-17T00:00:00Z", "2026-11-20T09:00:00Z"},
      {"cron(30 6 29 2 ? *)", "2026-11-01T00:00:00Z", "2028-02-29T06:30:00Z"},
      {"cron(0 0 1 1 ? 2030)", "2026-11-01T00:00:00Z", "2030-01-01T00:00:00Z"},
      {"cron(0 0 1 1 ? 2020)", "2026-11-01T00:00:00Z", "never"},
      {"cron(0 0 31 2 ? *)", "2026-11-01T00:00:00Z", "never"},
  };
  for (const Case& c : cases) EXPECT_EQ(next(c.schedule, c.after), c.next) << c.schedule;
}

TEST(Schedule, CronInATimeZoneFollowsItsClocks) {
  const char* daily = "cron(0 9 * * ? *)";
  EXPECT_EQ(next(daily, "2026-07-01T00:00:00Z", "Europe/Berlin"), "2026-07-01T07:00:00Z");
  EXPECT_EQ(next(daily, "2026-12-01T00:00:00Z", "Europe/Berlin"), "2026-12-01T08:00:00Z");
  EXPECT_EQ(next(daily, "2026-07-01T00:00:00Z", "Asia/Tokyo"), "2026-07-02T00:00:00Z");
  // 02:30 does not exist on 8 March 2026 in New York; 01:30 exists twice on 1 November.
  EXPECT_EQ(next("cron(30 2 * * ? *)", "2026-03-07T08:00:00Z", "America/New_York"),
            "2026-03-09T06:30:00Z");
  EXPECT_EQ(next("cron(30 1 * * ? *)", "2026-11-01T05:30:00Z", "America/New_York"),
            "2026-11-02T06:30:00Z");
}

TEST(Schedule, At) {
  EXPECT_EQ(next("at(2026-11-21T10:00:00)", "2026-11-21T09:59:59Z"), "2026-11-21T10:00:00Z");
  EXPECT_EQ(next("at(2026-11-21T10:00:00)", "2026-11-21T10:00:00Z"), "never");
  EXPECT_EQ(next("at(2026-07-01T10:00:00)", "2026-01-01T00:00:00Z", "Europe/Berlin"),
            "2026-07-01T08:00:00Z");
}

TEST(Schedule, RateCountsFromItsBegin) {
  EXPECT_EQ(next("rate(5 minutes)", "2026-01-01T00:03:00Z"), "2026-01-01T00:05:00Z");
  EXPECT_EQ(next("rate(5 minutes)", "2026-01-01T00:05:00Z"), "2026-01-01T00:10:00Z");
  EXPECT_EQ(next("rate(1 hour)", "2025-12-31T00:00:00Z"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(next("rate(2 days)", "2026-01-01T00:00:00Z"), "2026-01-03T00:00:00Z");
}

TEST(Schedule, TheLatestMissedOne) {
  const Schedule hourly = *Schedule::parse("cron(0 * * * ? *)", "");
  const TimePoint begin{};
  EXPECT_EQ(hourly.latest(at("2026-01-01T00:00:00Z"), at("2026-01-01T05:30:00Z"), begin),
            at("2026-01-01T05:00:00Z"));
  EXPECT_EQ(hourly.latest(at("2026-01-01T05:00:00Z"), at("2026-01-01T05:30:00Z"), begin),
            std::nullopt);
  const Schedule minutely = *Schedule::parse("rate(1 minute)", "");
  EXPECT_EQ(minutely.latest(at("2020-01-01T00:00:00Z"), at("2026-01-01T05:30:30Z"),
                            at("2020-01-01T00:00:00Z")),
            at("2026-01-01T05:30:00Z"));
  const Schedule yearly = *Schedule::parse("cron(0 0 1 1 ? *)", "");
  EXPECT_EQ(yearly.latest(at("2023-06-01T00:00:00Z"), at("2026-06-01T00:00:00Z"), begin),
            at("2026-01-01T00:00:00Z"));
}

TEST(Schedule, WhatIsNone) {
  for (const char* text : {"",
                           "cron",
                           "cron()",
                           "cron(0 10 * * * *)",
                           "cron(0 10 ? * ? *)",
                           "cron(60 10 * * ? *)",
                           "cron(0 24 * * ? *)",
                           "cron(0 10 0 * ? *)",
                           "cron(0 10 * 13 ? *)",
                           "cron(0 10 ? * 8 *)",
                           "cron(0 10 * * ?)",
                           "cron(0 10 * * ? 1969)",
                           "cron(a b c d e f)",
                           "cron(0/0 * * * ? *)",
                           "rate(0 minutes)",
                           "rate(1 minutes)",
                           "rate(5 minute)",
                           "rate(5 weeks)",
                           "rate(-1 days)",
                           "rate(5)",
                           "at(tomorrow)",
                           "at(2026-11-21)",
                           "at(2026-11-21T10:00:00Z)",
                           "every(5 minutes)",
                           "rate(5 minutes"}) {
    const auto parsed = Schedule::parse(text, "");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "invalid-schedule") << text;
  }
  EXPECT_FALSE(Schedule::parse("cron(0 10 * * ? *)", "Mars/Olympus"));
  EXPECT_FALSE(Schedule::parse("rate(5 minutes)", "UTC"));
}

}  // namespace
}  // namespace landfall
