#include <gtest/gtest.h>

#include "proxy/rules/condition.h"
#include "proxy/rules/regex.h"

namespace landfall::proxy {
namespace {

TEST(Pattern, Wildcards) {
  EXPECT_TRUE(Pattern("/img/*", false).matches("/img/a/b"));
  EXPECT_TRUE(Pattern("/img/*", false).matches("/img/"));
  EXPECT_FALSE(Pattern("/img/*", false).matches("/img"));
  EXPECT_FALSE(Pattern("/IMG/*", false).matches("/img/x"));
  EXPECT_TRUE(Pattern("*.EXAMPLE.com", true).matches("a.b.example.COM"));
  EXPECT_FALSE(Pattern("*.example.com", true).matches("example.com"));
  EXPECT_TRUE(Pattern("a?c*e", false).matches("abcde"));
  EXPECT_FALSE(Pattern("a?c", false).matches("ac"));
  EXPECT_TRUE(Pattern("*", false).matches(""));
  EXPECT_TRUE(Pattern("*a*b*c", false).matches("xxaxxbbxxc"));
  EXPECT_FALSE(Pattern("*a*b*c", false).matches("xxaxxbbxxcx"));
}

bool found(std::string_view regex, std::string_view text, bool ignore_case = false) {
  const auto compiled = Regex::compile(regex, ignore_case);
  EXPECT_TRUE(compiled) << regex;
  return compiled && (*compiled)->matches(text);
}

TEST(Regex, Syntax) {
  EXPECT_TRUE(found("^/api/v[0-9]+/users$", "/api/v12/users"));
  EXPECT_FALSE(found("^/api/v[0-9]+/users$", "/api/v/users"));
  EXPECT_TRUE(found("b", "abc"));
  EXPECT_TRUE(found("^(a|bc)*d$", "abcad"));
  EXPECT_FALSE(found("^(a|bc)*d$", "abad"));
  EXPECT_TRUE(found("^a{2,3}$", "aaa"));
  EXPECT_FALSE(found("^a{2,3}$", "aaaa"));
  EXPECT_TRUE(found("^a{2,}$", "aaaaaa"));
  EXPECT_TRUE(found("^[^/]+\\.png$", "x.png"));
  EXPECT_FALSE(found("^[^/]+\\.png$", "a/x.png"));
  EXPECT_TRUE(found("^\\d\\w\\S$", "1_x"));
  EXPECT_TRUE(found("^(?:WWW\\.)?Example$", "www.example", true));
  EXPECT_TRUE(found("a|", ""));
  EXPECT_TRUE(found("^x|y|z$", "oz"));
  EXPECT_TRUE(found("^[a\\-z]$", "-"));
}

TEST(Regex, NothingRunsAway) {
  const std::string text(3000, 'a');
  EXPECT_FALSE(found("^(a+)+$", text + "b"));
  EXPECT_FALSE(found("(a*)*(a*)*b$", text));
}

TEST(Regex, Invalid) {
  for (const char* text : {"(", ")", "[a", "a{3,2}", "*", "a{999}", "\\q", "(?=a)", "\\1", "[z-a]",
                           "((((a{100}){100}){100}){100})"}) {
    EXPECT_FALSE(Regex::compile(text, false)) << text;
  }
}

TEST(AddressBlock, BothFamilies) {
  PeerAddress v4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3}};
  EXPECT_EQ(v4.str(), "10.1.2.3");
  EXPECT_TRUE(AddressBlock::parse("10.0.0.0/8")->contains(v4));
  EXPECT_FALSE(AddressBlock::parse("10.0.0.0/16")->contains(v4));
  EXPECT_TRUE(AddressBlock::parse("0.0.0.0/0")->contains(v4));
  EXPECT_TRUE(AddressBlock::parse("10.1.2.3/32")->contains(v4));
  EXPECT_FALSE(AddressBlock::parse("2001:db8::/32")->contains(v4));
  PeerAddress v6{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  EXPECT_EQ(v6.str(), "2001:db8::1");
  EXPECT_TRUE(AddressBlock::parse("2001:db8::/32")->contains(v6));
  EXPECT_FALSE(AddressBlock::parse("0.0.0.0/0")->contains(v6));
  for (const char* bad : {"10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/", "::/129", "1.2.3.4/a"})
    EXPECT_FALSE(AddressBlock::parse(bad)) << bad;
}

bool matches(const Condition& condition, const std::string& request) {
  http1::RequestHead head;
  EXPECT_EQ(http1::parse_request(request, head), http1::Parsed::complete) << request;
  PeerAddress peer{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7}};
  const auto compiled = CompiledCondition::compile(condition);
  EXPECT_TRUE(compiled);
  return compiled && compiled->matches({head, host_without_port(head.authority), peer});
}

TEST(Condition, EveryField) {
  const std::string request =
      "GET /img/a.png?Version=V1&q=a%20b HTTP/1.1\r\nHost: WWW.Example.com:8080\r\n"
      "User-Agent: Mozilla/5.0 (Chrome)\r\n\r\n";
  using F = ConditionField;
  EXPECT_TRUE(matches({.field = F::host_header, .values = {"x", "*.example.com"}}, request));
  EXPECT_FALSE(matches({.field = F::host_header, .values = {"example.com"}}, request));
  EXPECT_TRUE(matches({.field = F::path_pattern, .values = {"/img/*"}}, request));
  EXPECT_FALSE(matches({.field = F::path_pattern, .values = {"*Version*"}}, request));
  EXPECT_TRUE(
      matches({.field = F::http_header, .name = "User-agent", .values = {"*chrome*"}}, request));
  EXPECT_FALSE(matches({.field = F::http_header, .name = "X-None", .values = {"*"}}, request));
  EXPECT_TRUE(matches({.field = F::http_request_method, .values = {"PUT", "GET"}}, request));
  EXPECT_FALSE(matches({.field = F::http_request_method, .values = {"get"}}, request));
  EXPECT_TRUE(matches({.field = F::query_string, .pairs = {{"version", "v1"}}}, request));
  EXPECT_TRUE(matches({.field = F::query_string, .pairs = {{"", "a b"}}}, request));
  EXPECT_FALSE(matches({.field = F::query_string, .pairs = {{"version", "v2"}}}, request));
  EXPECT_TRUE(matches({.field = F::source_ip, .values = {"192.0.2.0/24"}}, request));
  EXPECT_FALSE(matches({.field = F::source_ip, .values = {"192.0.3.0/24"}}, request));
  EXPECT_TRUE(matches({.field = F::path_pattern, .regexes = {"\\.(png|jpg)$"}}, request));
}

TEST(Condition, HostsOfIpv6AndWithoutPort) {
  EXPECT_EQ(host_without_port("[::1]:80"), "[::1]");
  EXPECT_EQ(host_without_port("a:80"), "a");
  EXPECT_EQ(host_without_port("a"), "a");
}

}  // namespace
}  // namespace landfall::proxy
