#include "base/time_zone.h"

#include <gtest/gtest.h>

namespace landfall {
namespace {

TimePoint at(std::string_view text) { return *parse_time(text); }
std::chrono::seconds local(std::string_view text) {
  return std::chrono::duration_cast<std::chrono::seconds>(at(text).time_since_epoch());
}

TEST(TimeZone, UtcNeedsNoFile) {
  const TimeZone utc = *TimeZone::open("UTC", "/nowhere");
  EXPECT_EQ(utc.offset(at("2026-07-01T00:00:00Z")).count(), 0);
  EXPECT_EQ(utc.moment_of(local("2026-07-01T12:00:00Z")), at("2026-07-01T12:00:00Z"));
}

TEST(TimeZone, SummerTimeBeginsAndEnds) {
  const TimeZone berlin = *TimeZone::open("Europe/Berlin");
  EXPECT_EQ(berlin.offset(at("2026-01-15T00:00:00Z")).count(), 3600);
  EXPECT_EQ(berlin.offset(at("2026-03-29T00:59:59Z")).count(), 3600);
  EXPECT_EQ(berlin.offset(at("2026-03-29T01:00:00Z")).count(), 7200);
  EXPECT_EQ(berlin.offset(at("2026-10-25T00:59:59Z")).count(), 7200);
  EXPECT_EQ(berlin.offset(at("2026-10-25T01:00:00Z")).count(), 3600);
  // After the last year that the file lists, the rule goes on.
  EXPECT_EQ(berlin.offset(at("2095-07-01T00:00:00Z")).count(), 7200);
  EXPECT_EQ(berlin.offset(at("2095-12-01T00:00:00Z")).count(), 3600);
}

TEST(TimeZone, TheSouthernSummerSpansNewYear) {
  const TimeZone sydney = *TimeZone::open("Australia/Sydney");
  EXPECT_EQ(sydney.offset(at("2060-01-15T00:00:00Z")).count(), 11 * 3600);
  EXPECT_EQ(sydney.offset(at("2060-07-15T00:00:00Z")).count(), 10 * 3600);
}

TEST(TimeZone, AnHourThatIsSkippedHasNoMomentAndOneShownTwiceIsTheFirst) {
  const TimeZone new_york = *TimeZone::open("America/New_York");
  EXPECT_EQ(new_york.moment_of(local("2026-07-01T12:00:00Z")), at("2026-07-01T16:00:00Z"));
  EXPECT_EQ(new_york.moment_of(local("2026-03-08T02:30:00Z")), std::nullopt);
  EXPECT_EQ(new_york.moment_of(local("2026-11-01T01:30:00Z")), at("2026-11-01T05:30:00Z"));
}

TEST(TimeZone, NamesThatAreNone) {
  for (const char* name :
       {"", "Nowhere/Else", "../etc/passwd", "/etc/passwd", "Europe", "zone.tab"})
    EXPECT_EQ(TimeZone::open(name).error().code, "time-zone-unknown") << name;
}

TEST(TimeZone, DamagedFilesAreRefused) {
  EXPECT_FALSE(TimeZone::parse(""));
  EXPECT_FALSE(TimeZone::parse("TZif2"));
  EXPECT_FALSE(TimeZone::parse("TZif2" + std::string(39, '\xff')));
  EXPECT_FALSE(TimeZone::parse("TZif2" + std::string(39, '\0') + "TZif2" + std::string(39, '\0')));
}

}  // namespace
}  // namespace landfall
