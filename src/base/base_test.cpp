#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/record.h"

namespace landfall {
namespace {

struct Inner {
  int number = 7;
  std::optional<std::string> word;
};
LF_RECORD(Inner, number, word)
struct Outer {
  std::string name;
  std::vector<Inner> inners;
  std::map<std::string, Inner> by_name;
  TimePoint at{};
};
LF_RECORD(Outer, name, inners, by_name, at)

TEST(Record, KeepsEveryMemberThroughText) {
  Outer before{"n", {{1, "a"}, {2, {}}}, {{"x", {3, "b"}}}, from_unix_ms(1234)};
  auto after = record::from_text<Outer>(record::to_text(before));
  ASSERT_TRUE(after);
  EXPECT_EQ(record::to_text(*after), record::to_text(before));
  EXPECT_EQ(after->inners[1].word, std::nullopt);
}

TEST(Record, SkipsUnknownMembersAndDefaultsMissingOnes) {
  auto inner = record::from_text<Inner>(R"({"future": [1], "word": "w"})");
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->number, 7);
  EXPECT_EQ(inner->word, "w");
}

TEST(Record, RefusesAMemberOfAnotherType) {
  EXPECT_FALSE(record::from_text<Inner>(R"({"number": "seven"})"));
  EXPECT_FALSE(record::from_text<Inner>("{"));
}

TEST(Time, ReadsTheFormsItWrites) {
  const TimePoint t = from_unix_ms(1'795'255'898'103);
  EXPECT_EQ(format_iso8601(t, true), "2026-11-21T10:11:38.103Z");
  EXPECT_EQ(*parse_time(format_iso8601(t, true)), t);
  EXPECT_EQ(*parse_time("2026-11-21T12:11:38.103604540+02:00"), t);
  EXPECT_EQ(*parse_time(format_iso8601_basic(t)), from_unix_ms(1'795'255'898'000));
  EXPECT_EQ(*parse_time(format_http_date(t)), from_unix_ms(1'795'255'898'000));
  EXPECT_EQ(format_iso8601(*parse_time("0262-11-21T10:11:38Z")), "0262-11-21T10:11:38Z");
  for (auto bad :
       {"", "yesterday", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21T10:11:38Q"}) {
    EXPECT_FALSE(parse_time(bad)) << bad;
  }
}

TEST(Bytes, EncodingsRoundTripAndRefuseRubbish) {
  const std::string bytes("\x00\xff a/+~", 7);
  EXPECT_EQ(*hex_decode(hex_encode(bytes)), bytes);
  EXPECT_EQ(*base64_decode(base64_encode(bytes)), bytes);
  EXPECT_EQ(*percent_decode(percent_encode(bytes)), bytes);
  EXPECT_EQ(percent_encode("a/b c", true), "a/b%20c");
  EXPECT_FALSE(base64_decode("ab=c"));
  EXPECT_FALSE(base64_decode("a"));
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_TRUE(is_valid_utf8("grün €"));
  EXPECT_FALSE(is_valid_utf8("\xc0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xe2\x82"));
}

TEST(Arn, SplitsAtTheFirstFiveColons) {
  auto arn = Arn::parse("arn:aws:logs:us-west-1:123456789012:log-group:/ecs/x:*");
  ASSERT_TRUE(arn);
  EXPECT_EQ(arn->resource, "log-group:/ecs/x:*");
  EXPECT_EQ(arn->str(), "arn:aws:logs:us-west-1:123456789012:log-group:/ecs/x:*");
  EXPECT_FALSE(Arn::parse("arn:aws:s3"));
}

TEST(RandomSource, UuidIsVersionFourAndSeedsRepeat) {
  SeededRandom a(1), b(1);
  EXPECT_EQ(a.uuid(), b.uuid());
  EXPECT_EQ(a.uuid()[14], '4');
}

}  // namespace
}  // namespace landfall
