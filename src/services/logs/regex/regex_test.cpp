#include "services/logs/regex/regex.h"

#include <gtest/gtest.h>

#include <random>

#include "services/logs/regex/contains.h"

namespace landfall::logs {
namespace {

TEST(Contains, AgreesWithTheSimplestSearch) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t size = random() % 90; text.size() < size;) text += "ab"[random() % 2];
    std::string part;
    for (std::size_t size = random() % 9; part.size() < size;) part += "ab"[random() % 2];
    ASSERT_EQ(contains(text, part), text.find(part) != std::string::npos) << text << " " << part;
  }
  const std::string far = std::string(1000, 'x') + "needle";
  EXPECT_TRUE(contains(far, "needle"));
  EXPECT_TRUE(contains(std::string_view(far).substr(0, 1003), "xnee"));
  EXPECT_FALSE(contains(std::string_view(far).substr(0, 1003), "need"));
}

TEST(Regex, KnowsItsGroupsAndWhatItNeeds) {
  struct Case {
    std::string_view text;
    std::string_view required;
    std::vector<std::string> names;
  };
  const Case cases[] = {
      {"timeout", "timeout", {}},
      {"a+bcd?e", "bc", {}},
      {"(?<a>x)(y)(?P<b>z)end", "end", {"a", "", "b"}},
      {"(?:abc)+de", "de", {}},
      {"abc|abcd", "", {}},
      {"(abc|abcd) end", " end", {""}},
      {"(?i)abc", "", {}},
      {"[abc]def\\d\\.log", ".log", {}},
      {"ab{2,3}cd", "cd", {}},
      {"a{x}b", "x}b", {}},
      {"\\x41bc", "", {}},
      {"a(?=b)cde", "", {}},
  };
  for (const Case& one : cases) {
    const auto regex = Regex::compile(one.text);
    ASSERT_TRUE(regex) << one.text;
    EXPECT_EQ((*regex)->required(), one.required) << one.text;
    EXPECT_EQ((*regex)->group_names(), one.names) << one.text;
  }
  for (const char* bad : {"(", "[a", "a**", "(?<n>", "*a"})
    EXPECT_FALSE(Regex::compile(bad)) << bad;
}

TEST(Regex, Matches) {
  std::vector<std::string_view> groups;
  const auto regex = *Regex::compile("(?<k>\\w+)=(?<v>\\d+)?;");
  EXPECT_TRUE(regex->match("x a=12; b=;", groups));
  EXPECT_EQ(groups, (std::vector<std::string_view>{"a", "12"}));
  EXPECT_TRUE(regex->match("b=;", groups));
  EXPECT_EQ(groups[1].data(), nullptr);
  EXPECT_FALSE(regex->match("b", groups));
  EXPECT_TRUE((*Regex::compile("(?i)Error"))->found_in("an ERROR"));
}

}  // namespace
}  // namespace landfall::logs
