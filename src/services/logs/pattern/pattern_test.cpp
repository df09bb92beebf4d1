#include "services/logs/pattern/pattern.h"

#include <gtest/gtest.h>

#include "services/logs/regex/regex.h"

namespace landfall::logs {
namespace {

bool match(std::string_view pattern, std::string_view message) {
  auto parsed = Pattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern << ": " << parsed.error().message;
  if (!parsed) return false;
  const bool matched = (*parsed)->matches(message);
  if (matched) EXPECT_NE(message.find((*parsed)->required()), std::string_view::npos) << pattern;
  return matched;
}

TEST(Pattern, Terms) {
  EXPECT_TRUE(match("", "anything"));
  EXPECT_TRUE(match("ERROR", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(match("ERROR", "error"));
  EXPECT_TRUE(match("ERROR ARGUMENTS", "ERROR: 3 ARGUMENTS"));
  EXPECT_FALSE(match("ERROR ARGUMENTS", "ERROR"));
  EXPECT_TRUE(match("?ERROR ?WARN", "WARN 1"));
  EXPECT_FALSE(match("?ERROR ?WARN", "INFO 1"));
  EXPECT_TRUE(match("ERROR -EXITING", "ERROR 1"));
  EXPECT_FALSE(match("ERROR -EXITING", "ERROR 1 EXITING"));
  EXPECT_TRUE(match(R"("GET /health" -"500 ")", "GET /health 200 OK"));
  EXPECT_FALSE(match(R"("GET /health" -"500 ")", "GET /health 500 OK"));
  EXPECT_TRUE(match(R"("say \"hi\"")", R"(they say "hi" now)"));
  EXPECT_TRUE(match("ERROR ?WARN", "ERROR"));  // "?" has no effect beside others
}

TEST(Pattern, Json) {
  const std::string event =
      R"({"status": 502, "user": {"id": 7, "name": "Ann Lee"}, "tags": ["a", "b"], "ok": true,)"
      R"( "gone": null, "a.b": "x", "list": [{"n": 1}, {"n": 5}], "text": "404"})";
  for (const char* yes :
       {"{ $.status = 502 }", "{ $.status = 5* }", "{$.status>=502}", "{ $.status != 404 }",
        R"({ $.user.name = "Ann *" })", "{ $.user.name = Ann* }", "{ $.tags[1] = b }",
        "{ $.tags[*] = \"a\" }", "{ $.ok IS TRUE }", "{ $.gone IS NULL }",
        "{ $.missing NOT EXISTS }", "{ $.['a.b'] = x }", "{ $.list[*].n > 4 }",
        "{ $.status = 1 || $.user.id = 7 }", "{ ($.status = 1 || $.ok IS TRUE) && $.user.id < 8 }",
        "{ $.status = 1 && $.ok IS FALSE || $.user.id = 7 }", "{ $.text = \"404\" }",
        "{ $.text = 404 }"}) {
    EXPECT_TRUE(match(yes, event)) << yes;
  }
  for (const char* no :
       {"{ $.status = 404 }", "{ $.status < 502 }", "{ $.status = \"502\" }", "{ $.tags[2] = b }",
        "{ $.ok IS FALSE }", "{ $.status NOT EXISTS }", "{ $.missing != 1 }", "{ $.text > 1 }",
        "{ $.status = 1 && ($.ok IS FALSE || $.user.id = 7) }", "{ $.user = x }"}) {
    EXPECT_FALSE(match(no, event)) << no;
  }
  EXPECT_FALSE(match("{ $.a = 1 }", "not json"));
  EXPECT_FALSE(match("{ $.a = 1 }", "{\"a\": 1"));
}

TEST(Pattern, Columns) {
  const std::string line =
      R"(127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
  for (const char* yes :
       {"[ip, id, user, time, request, status, bytes]", "[ip, ..., status = 404, bytes]",
        "[..., status_code = 4* || status_code = 5*, bytes > 1500]",
        "[ip, id, user, time, request = *html*, status, bytes]", "[ip = 127.0.0.*, ...]",
        "[..., b > 1000 && b < 2000]", "[ , , user = frank, ...]"}) {
    EXPECT_TRUE(match(yes, line)) << yes;
  }
  for (const char* no : {"[ip, user]", "[..., status = 200, bytes]", "[..., b > 2000]",
                         "[a, b, c, d, e, f, g, h, ...]", "[..., b != 1534]"}) {
    EXPECT_FALSE(match(no, line)) << no;
  }
  Extracted extracted;
  EXPECT_TRUE((*Pattern::parse("[ip, ..., status, bytes]"))->match(line, &extracted));
  EXPECT_EQ(extracted, (Extracted{{"$ip", "127.0.0.1"}, {"$status", "404"}, {"$bytes", "1534"}}));
}

TEST(Pattern, RefusesWhatIsNone) {
  for (const char* bad : {"\"open",
                          "foo-bar:",
                          "%re",
                          "%(%",
                          "{",
                          "{ }",
                          "{ $.a }",
                          "{ $.a = }",
                          "{ a = 1 }",
                          "{ $.a = 1",
                          "{ $.a = 1 } x",
                          "{ $.a IS 7 }",
                          "{ $.a > x }",
                          "{ $.a[x] = 1 }",
                          "{ ($.a = 1 }",
                          "[a, b",
                          "[a = ]",
                          "[..., a, ...]",
                          "[a > x]",
                          "[a = 1 && b = 2]",
                          "{ $.a = %x }",
                          "{ $. = 1 }"}) {
    auto parsed = Pattern::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, "invalid-pattern") << bad;
  }
  EXPECT_FALSE(Pattern::parse("{ " + std::string(5000, '(')));
}

TEST(Pattern, RegularExpressions) {
  EXPECT_TRUE(match("%AUTHORIZED%", "UNAUTHORIZED 123"));
  EXPECT_TRUE(match("%^[0-9]{3} % -%timeout$%", "502 bad gateway"));
  EXPECT_FALSE(match("%^[0-9]{3} % -%timeout$%", "502 timeout"));
  EXPECT_TRUE(match("?%a{3}% ?b", "caaac"));
  EXPECT_TRUE(match("{ $.ip = %10\\.0\\.0\\.[0-9]+% }", R"({"ip": "10.0.0.17"})"));
  EXPECT_FALSE(match("{ $.ip != %10\\.0\\.0\\.[0-9]+% }", R"({"ip": "10.0.0.17"})"));
  EXPECT_TRUE(match("[ip, status = %4[0-9]{2}%]", "1.2.3.4 404"));
  EXPECT_THROW(match("%(a*)*(b*)*c$%", std::string(4000, 'a') + "cd"), Regex::TooComplex);
}

TEST(Pattern, Selectors) {
  const auto find = [](std::string_view selector, std::string_view message) {
    return (*Selector::parse(selector))->find(message).value_or("-");
  };
  EXPECT_EQ(find("$.a.b[1]", R"({"a": {"b": [1, 2.5]}})"), "2.5");
  EXPECT_EQ(find("$.a", R"({"a": null})"), "-");
  EXPECT_EQ(find("$.a", "text"), "-");
  EXPECT_FALSE(Selector::parse("a"));
  EXPECT_FALSE(Selector::parse("$.a x"));
}

TEST(Pattern, WildcardsDoNotExplode) {
  EXPECT_TRUE(matches_wildcard("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(matches_wildcard("a*b", "ac"));
  EXPECT_TRUE(matches_wildcard("*", ""));
  EXPECT_FALSE(matches_wildcard("*a*a*a*a*a*a*a*a*b", std::string(20'000, 'a')));
}

}  // namespace
}  // namespace landfall::logs
