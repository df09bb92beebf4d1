#include "services/rds/log_export.h"

#include <gtest/gtest.h>

namespace landfall::rds {
namespace {

TEST(LogExport, JoinsTheLinesOfARecordAndLeavesHalfALine) {
  const std::string text =
      "2026-11-21 15:21:03 UTC:10.0.0.1(4):u@d:[7]:ERROR:  syntax error\n"
      "\tin two lines\n"
      "2026-11-21 15:21:04 UTC::@:[1]:LOG:  ready\n"
      "2026-11-21 15:21:05 UTC::@:[1]:LOG:  hal";
  std::size_t used = 0;
  const auto lines = parse_log(text, from_unix_ms(1), used);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(format_iso8601(lines[0].time), "2026-11-21T15:21:03Z");
  EXPECT_TRUE(lines[0].text.ends_with("syntax error\n\tin two lines"));
  EXPECT_EQ(text.substr(used), "2026-11-21 15:21:05 UTC::@:[1]:LOG:  hal");
}

TEST(LogExport, ALineWithoutTimeHasTheFiles) {
  std::size_t used = 0;
  const auto lines =
      parse_log("rubbish\n9999-99-99 15:21:03 UTC: rubbish\n", from_unix_ms(7), used);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(to_unix_ms(lines[0].time), 7);
}

}  // namespace
}  // namespace landfall::rds
