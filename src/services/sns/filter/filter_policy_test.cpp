#include "services/sns/filter/filter_policy.h"

#include <gtest/gtest.h>

namespace landfall::sns {
namespace {

bool wants(const std::string& policy, std::string_view event, bool body = true) {
  const auto parsed = FilterPolicy::parse(policy, body);
  EXPECT_TRUE(parsed) << policy << ": " << (parsed ? "" : parsed.error().message);
  return parsed && parsed->wants(json::parse(json::string_view(event.data(), event.size())));
}

TEST(FilterPolicy, Matches) {
  struct Case {
    const char* policy;
    const char* event;
    bool wanted;
  };
  const Case cases[] = {
      {R"({})", R"({"a": 1})", true},
      {R"({"kind": ["new"]})", R"({"kind": "new"})", true},
      {R"({"kind": ["new"]})", R"({"kind": "old"})", false},
      {R"({"kind": ["new"]})", R"({})", false},
      {R"({"kind": ["new", "old"], "size": [1]})", R"({"kind": "old", "size": 1.0})", true},
      {R"({"kind": ["new"], "size": [1]})", R"({"kind": "new", "size": 2})", false},
      {R"({"kind": ["new"]})", R"({"kind": ["x", "new"]})", true},
      {R"({"kind": [{"prefix": "ne"}]})", R"({"kind": "new"})", true},
      {R"({"kind": [{"suffix": "ew"}]})", R"({"kind": "new"})", true},
      {R"({"kind": [{"equals-ignore-case": "NEW"}]})", R"({"kind": "new"})", true},
      {R"({"kind": [{"wildcard": "n*w"}]})", R"({"kind": "narrow"})", true},
      {R"({"kind": [{"wildcard": "n*w"}]})", R"({"kind": "narrows"})", false},
      {R"({"kind": [{"anything-but": ["new"]}]})", R"({"kind": "old"})", true},
      {R"({"kind": [{"anything-but": ["new"]}]})", R"({"kind": "new"})", false},
      {R"({"kind": [{"anything-but": ["new"]}]})", R"({})", false},
      {R"({"kind": [{"anything-but": {"prefix": "n"}}]})", R"({"kind": "new"})", false},
      {R"({"price": [{"numeric": [">=", 10, "<", 20]}]})", R"({"price": 10})", true},
      {R"({"price": [{"numeric": [">=", 10, "<", 20]}]})", R"({"price": 20})", false},
      {R"({"price": [{"numeric": ["=", 5]}]})", R"({"price": "5"})", false},
      {R"({"kind": [{"exists": true}]})", R"({"kind": "any"})", true},
      {R"({"kind": [{"exists": true}]})", R"({})", false},
      {R"({"kind": [{"exists": false}]})", R"({})", true},
      {R"({"kind": [{"exists": false}]})", R"({"kind": 1})", false},
      {R"({"from": [{"cidr": "10.0.0.0/8"}]})", R"({"from": "10.1.2.3"})", true},
      {R"({"from": [{"cidr": "10.0.0.0/8"}]})", R"({"from": "11.1.2.3"})", false},
      {R"({"$or": [{"a": [1]}, {"b": [2]}]})", R"({"b": 2})", true},
      {R"({"$or": [{"a": [1]}, {"b": [2]}]})", R"({"a": 2})", false},
      {R"({"order": {"kind": ["new"]}})", R"({"order": {"kind": "new"}})", true},
      {R"({"order": {"kind": ["new"]}})", R"({"order": [{"kind": "x"}, {"kind": "new"}]})", true},
      {R"({"order": {"kind": ["new"]}})", R"({"order": "new"})", false},
      {R"({"on": [true], "none": [null]})", R"({"on": true, "none": null})", true},
  };
  for (const Case& c : cases) EXPECT_EQ(wants(c.policy, c.event), c.wanted) << c.policy << c.event;
}

TEST(FilterPolicy, RefusesWhatMakesNoSense) {
  for (const char* policy :
       {"", "[]", "{", R"({"a": "b"})", R"({"a": []})", R"({"a": [{"like": "b"}]})",
        R"({"a": [{"numeric": ["~", 1]}]})", R"({"a": [{"numeric": [">"]}]})",
        R"({"a": [{"prefix": 1}]})", R"({"a": [{"exists": "yes"}]})", R"({"a": [{"cidr": "x"}]})",
        R"({"a": [{"prefix": "x", "suffix": "y"}]})", R"({"$or": [{"a": [1]}]})",
        R"({"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]})"}) {
    EXPECT_FALSE(FilterPolicy::parse(policy, true)) << policy;
  }
  EXPECT_FALSE(FilterPolicy::parse(R"({"a": {"b": [1]}})", false));
}

TEST(FilterPolicy, AttributesAreAnEvent) {
  const auto event = event_of({{"text", {"String", "5"}},
                               {"number", {"Number", "5"}},
                               {"list", {"String.Array", R"(["a", 1, true])"}},
                               {"bytes", {"Binary", "AAAA"}}});
  EXPECT_TRUE(wants(R"({"text": ["5"], "number": [5], "list": ["a"]})", json::serialize(event)));
  EXPECT_FALSE(wants(R"({"text": [5]})", json::serialize(event)));
  EXPECT_FALSE(event.contains("bytes"));
}

}  // namespace
}  // namespace landfall::sns
