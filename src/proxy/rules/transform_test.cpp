#include "proxy/rules/transform.h"

#include <gtest/gtest.h>

namespace landfall::proxy {
namespace {

// The groups of the leftmost match, separated by bars; "none" without a match.
std::string groups(std::string_view expression, std::string_view text, bool ignore_case = false) {
  const auto regex = Regex::compile(expression, ignore_case);
  EXPECT_TRUE(regex) << expression;
  Regex::Groups found;
  if (!regex || !(*regex)->search(text, found)) return "none";
  std::string out;
  for (int i = 0; i <= (*regex)->groups() && i < 10; ++i) {
    const std::string_view group = found[static_cast<std::size_t>(i)];
    out.append(i == 0 ? "" : "|").append(group.data() == nullptr ? "-" : group);
  }
  return out;
}

// What PCRE finds.
TEST(RegexSearch, LeftmostAndAsWritten) {
  EXPECT_EQ(groups("b", "abcb"), "b");
  EXPECT_EQ(groups("a*", "baaa"), "");
  EXPECT_EQ(groups("a+", "baaab"), "aaa");
  EXPECT_EQ(groups("a+?", "baaab"), "a");
  EXPECT_EQ(groups("a|ab", "ab"), "a");
  EXPECT_EQ(groups("(?:a|ab)$", "ab"), "ab");
  EXPECT_EQ(groups("^(.*)/(.*)$", "/a/b/c"), "/a/b/c|/a/b|c");
  EXPECT_EQ(groups("^(.*?)/(.*)$", "/a/b/c"), "/a/b/c||a/b/c");
  EXPECT_EQ(groups("^mywebsite-(.+).com$", "mywebsite-example.com"),
            "mywebsite-example.com|example");
  EXPECT_EQ(groups(R"(^\/dp\/([A-Za-z0-9]+)\/?$)", "/dp/B09G3HRMW/"), "/dp/B09G3HRMW/|B09G3HRMW");
  EXPECT_EQ(groups("(a)|(b)", "b"), "b|-|b");
  EXPECT_EQ(groups("(a|b)*", "abba"), "abba|a");
  EXPECT_EQ(groups("(a{2}){2}", "aaaaa"), "aaaa|aa");
  EXPECT_EQ(groups("((a)(b)?)+", "aba"), "aba|a|a|b");
  EXPECT_EQ(groups("^$", ""), "");
  EXPECT_EQ(groups("^b", "ab"), "none");
  EXPECT_EQ(groups("WWW", "a.www", true), "www");
  EXPECT_EQ(groups("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)", "abcdefghij"), "abcdefghij|a|b|c|d|e|f|g|h|i");
}

TEST(RegexSearch, NothingRunsAway) {
  const std::string text(4000, 'a');
  EXPECT_EQ(groups("^(a+)+$", text + "b"), "none");
  EXPECT_EQ(groups("(a*)*(a*)*b$", text), "none");
  EXPECT_TRUE(groups("(((a?)?)?)*$", text).starts_with(text + "|"));
}

std::string rewritten(std::string_view regex, std::string_view replace, std::string_view text,
                      std::size_t limit = 100) {
  const auto rewrite = Rewrite::compile(regex, replace, false);
  if (!rewrite) return "refused";
  std::string out;
  switch (rewrite->apply(text, limit, out)) {
    case Rewrite::Outcome::no_match:
      return "no match";
    case Rewrite::Outcome::too_long:
      return "too long";
    case Rewrite::Outcome::done:
      return out;
  }
  return "";
}

TEST(Rewrite, GroupsAreFilledIn) {
  EXPECT_EQ(rewritten(R"(^\/dp\/([A-Za-z0-9]+)\/?$)", "/product.php?id=$1", "/dp/B09G"),
            "/product.php?id=B09G");
  EXPECT_EQ(rewritten("/v1/", "/v2/", "/v1/v1/x"), "/v2/v1/x");  // the first match
  EXPECT_EQ(rewritten("(a)(b)?", "[$2$1$0]", "xay"), "x[aa]y");
  EXPECT_EQ(rewritten("a", "$", "xay"), "x$y");
  EXPECT_EQ(rewritten("a", "$$x$", "a"), "$$x$");
  EXPECT_EQ(rewritten("(a)", "$12", "a"), "a2");
  EXPECT_EQ(rewritten("a", "", "xay"), "xy");
  EXPECT_EQ(rewritten("b", "c", "a"), "no match");
  EXPECT_EQ(rewritten("(a+)", "$1$1", std::string(60, 'a')), "too long");
  EXPECT_EQ(rewritten("^", std::string(60, 'x'), std::string(60, 'a')), "too long");
}

TEST(Rewrite, WhatCannotBeFollowedIsRefused) {
  for (const char* regex :
       {"(", "(?=a)", "(?<=a)", "(a)\\1", "(?>a)", "a++", "\\p{L}", "(?R)", "(a{200}b{200}){30}"}) {
    EXPECT_EQ(rewritten(regex, "x", "a"), "refused") << regex;
  }
  EXPECT_EQ(rewritten("(a)", "$2", "a"), "refused");
}

http1::RequestHead head_of(std::string_view path, std::string_view query = {}) {
  http1::RequestHead head;
  head.authority = "Shop.example.com:8080";
  head.target = head.path = path;
  head.has_query = !query.empty();
  head.query = query;
  return head;
}

TEST(Transforms, HostAndUrl) {
  const auto both = CompiledTransforms::compile(
      {{.kind = TransformKind::host_header, .regex = R"(^shop\.(.+)$)", .replace = "in.$1"},
       {.kind = TransformKind::url, .regex = R"(^/a/(.*)\?x=(.*)$)", .replace = "/$2?y=$1"}});
  ASSERT_TRUE(both);
  Transformed done = apply(**both, head_of("/a/b", "x=1"));
  EXPECT_EQ(done.host, "in.example.com");
  EXPECT_EQ(done.url, "/1?y=b");
  EXPECT_EQ(done.status, "TransformSuccess");
  done = apply(**both, head_of("/other"));
  EXPECT_EQ(done.host, "in.example.com");
  EXPECT_EQ(done.url, "");
  EXPECT_FALSE(done.failed);
}

// Nothing a client sends makes a request of another form.
TEST(Transforms, WhatIsNoHostOrUrlFails) {
  const auto status = [](TransformKind kind, const char* regex, const char* replace,
                         const http1::RequestHead& head) {
    const auto made = CompiledTransforms::compile({{kind, regex, replace}});
    EXPECT_TRUE(made);
    const Transformed out = apply(**made, head);
    EXPECT_EQ(out.failed, out.status != "TransformSuccess" && !out.status.empty());
    EXPECT_TRUE(!out.failed || (out.host.empty() && out.url.empty()));
    return std::string(out.status);
  };
  const auto host = TransformKind::host_header;
  const auto url = TransformKind::url;
  EXPECT_EQ(status(host, "^.*$", "", head_of("/")), "TransformInvalidHost");
  EXPECT_EQ(status(host, "^.*$", "a/b", head_of("/")), "TransformInvalidHost");
  EXPECT_EQ(status(host, "^.*$", "a:0", head_of("/")), "TransformInvalidHost");
  EXPECT_EQ(status(host, "^.*$", "a:99999", head_of("/")), "TransformInvalidHost");
  EXPECT_EQ(status(host, "^.*$", "a:b:1", head_of("/")), "TransformInvalidHost");
  EXPECT_EQ(status(host, "^.*$", "a:81", head_of("/")), "TransformSuccess");
  EXPECT_EQ(status(host, "^nobody$", "a:81", head_of("/")), "");
  EXPECT_EQ(status(url, "^/", "", head_of("/a")), "TransformInvalidPath");
  EXPECT_EQ(status(url, "^/", "", head_of("/")), "TransformInvalidPath");
  EXPECT_EQ(status(url, "^/", "http://x/", head_of("/")), "TransformInvalidPath");
  EXPECT_EQ(status(url, "a", "b#c", head_of("/a")), "TransformInvalidPath");
  EXPECT_EQ(status(url, "a", "b", head_of("/a", "q=\x01")), "TransformInvalidPath");
  EXPECT_EQ(status(url, "(x+)", "$1$1", head_of("/" + std::string(9000, 'x'))),
            "TransformBufferTooSmall");
  EXPECT_EQ(status(url, "^.*$", "/x", head_of("*")), "");
}

}  // namespace
}  // namespace landfall::proxy
