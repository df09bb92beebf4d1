#include "services/ssm/policies.h"

#include <gtest/gtest.h>

namespace landfall::ssm {
namespace {

using namespace std::chrono_literals;
const TimePoint kNow = *parse_time("2026-11-21T12:00:00Z");

std::string code_of(const std::string& text) {
  const auto read = read_policies(text, kNow);
  return read ? "" : read.error().code;
}

TEST(SsmPolicies, ExpirationActsAtItsTime) {
  const auto read = read_policies(
      R"([{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-11-21T13:00:00.000Z"}}])",
      kNow);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read->front().at, kNow + 1h);
  ParameterRecord parameter{.name = "/a", .versions = {{.policies = *read}}};
  EXPECT_FALSE(parameter.expired(kNow));
  EXPECT_TRUE(parameter.expired(kNow + 1h));
}

TEST(SsmPolicies, EmptyOnesTakeAllAway) {
  for (const char* text : {"", "{}", "[{}]", "[]"}) {
    const auto read = read_policies(text, kNow);
    ASSERT_TRUE(read) << text;
    EXPECT_TRUE(read->empty()) << text;
  }
}

TEST(SsmPolicies, WhatIsRefused) {
  EXPECT_EQ(code_of("x"), "InvalidPolicyAttributeException");
  EXPECT_EQ(code_of("[1]"), "InvalidPolicyAttributeException");
  EXPECT_EQ(code_of(R"([{"Type":"Other","Version":"1.0"}])"), "InvalidPolicyTypeException");
  EXPECT_EQ(
      code_of(
          R"([{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Days"}}])"),
      "InvalidPolicyTypeException");
  EXPECT_EQ(code_of(R"([{"Type":"Expiration","Version":"1.0","Attributes":{}}])"),
            "InvalidPolicyAttributeException");
  EXPECT_EQ(
      code_of(
          R"([{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2020-01-01T00:00:00Z"}}])"),
      "InvalidPolicyAttributeException");
}

}  // namespace
}  // namespace landfall::ssm
