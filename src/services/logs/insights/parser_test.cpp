#include "services/logs/insights/parser.h"

#include <gtest/gtest.h>

#include "base/record.h"

namespace landfall::logs::insights {
namespace {

struct Bad {
  std::string_view query;
  std::string_view message;  // a part of it
  std::string_view where;    // the marked text
};

// What the error's location marks.
std::string marked(std::string_view query, const Error& error) {
  if (error.fields.size() != 1) return "no location";
  const json::value compiled = json::parse(error.fields[0].second);
  const json::value& place = compiled.at("location");
  const auto begin = static_cast<std::size_t>(place.at("startCharOffset").as_int64());
  const auto end = static_cast<std::size_t>(place.at("endCharOffset").as_int64());
  return std::string(query.substr(begin, end - begin));
}

TEST(InsightsParser, SaysWhatIsWrongAndWhere) {
  const Bad bad[] = {
      {"", "no command", ""},
      {" # only a comment", "no command", " # only a comment"},
      {"count(*)", "mismatched input 'count'", "count"},
      {"fields a | count()", "mismatched input 'count'", "count"},
      {"pattern @message", "pattern is not supported", "pattern"},
      {"fields a b", "unexpected symbol found b at line 1 and position 10", "b"},
      {"fields a,\n  }", "unexpected symbol found } at line 2 and position 3", "}"},
      {"fields a, | limit 5", "unexpected symbol found |", "|"},
      {"filter", "unexpected end", ""},
      {"filter a =", "unexpected end", ""},
      {"filter (a = 1", "unexpected end", ""},
      {"filter a not = 1", "unexpected symbol found =", "="},
      {"filter a like b", "unexpected symbol found b", "b"},
      {"filter a in (1)", "unexpected symbol found (", "("},
      {"filter a in [1, 2", "unexpected end", ""},
      {"filter a like /x", "not closed by /", "/x"},
      {"filter a like /(x/", "", "/(x/"},
      {"filter a = \"x", "quotation mark", "\"x"},
      {"limit 0", "1 to 10000", "0"},
      {"limit 10001", "1 to 10000", "10001"},
      {"limit x", "unexpected symbol found x", "x"},
      {"parse @message \"a\" as b", "stars", "\"a\""},
      {"parse @message \"a*\"", "needs names", "\"a*\""},
      {"parse @message \"* *\" as a", "has 2 stars, but 1 names", "\"* *\""},
      {"parse @message /a(b)/", "no named groups", "/a(b)/"},
      {"parse @message /(?<x>b)/ as a, b", "has 1 groups, but 2 names", "/(?<x>b)/"},
      {"parse @message", "unexpected end", ""},
      {"dedup strlen(a)", "names of fields", "strlen(a)"},
      {"stats count(* by a", "unexpected symbol found by", "by"},
      {"fields 5x", "unexpected symbol found 5x", "5x"},
  };
  for (const Bad& one : bad) {
    const auto parsed = parse_query(one.query);
    ASSERT_FALSE(parsed) << one.query;
    EXPECT_EQ(parsed.error().code, "MalformedQueryException") << one.query;
    EXPECT_NE(parsed.error().message.find(one.message), std::string::npos)
        << one.query << ": " << parsed.error().message;
    EXPECT_EQ(marked(one.query, parsed.error()), one.where) << one.query;
  }
}

TEST(InsightsParser, BoundsWhatItReads) {
  EXPECT_FALSE(parse_query("filter " + std::string(5000, '(')));
  std::string nots;
  std::string sum = "fields 1";
  std::string pipes = "fields a";
  for (int i = 0; i < 1500; ++i) {
    nots += "not ";
    sum += "+1";
    pipes += "|limit 5";
  }
  EXPECT_FALSE(parse_query("filter " + nots + "a"));
  EXPECT_FALSE(parse_query(sum));
  EXPECT_FALSE(parse_query(pipes));
  EXPECT_FALSE(parse_query("fields " + std::string(2000, '-') + "1"));
}

TEST(InsightsParser, OffsetsCountCharacters) {
  const auto parsed = parse_query("filter a = \"grün\" }");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().fields[0].second.find("\"startCharOffset\":18"), std::string::npos)
      << parsed.error().fields[0].second;
}

TEST(InsightsParser, ReadsCommandsAndComments) {
  const auto parsed = parse_query(
      "| FIELDS @timestamp, `odd name` as x # the first\n"
      "# a whole line\n| filter a.b-1 > 3 or x like /a\\/b|[/]/ |\n sort x desc, y asc | limit 5");
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->size(), 4U);
  const auto& fields = std::get<FieldsCommand>((*parsed)[0].what);
  EXPECT_EQ(fields.items[1].expr.text, "odd name");
  EXPECT_EQ(fields.items[1].name, "x");
  const auto& sort = std::get<SortCommand>((*parsed)[2].what);
  EXPECT_TRUE(sort.keys[0].descending);
  EXPECT_FALSE(sort.keys[1].descending);
}

}  // namespace
}  // namespace landfall::logs::insights
