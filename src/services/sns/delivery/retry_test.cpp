#include "services/sns/delivery/retry.h"

#include <gtest/gtest.h>

namespace landfall::sns {
namespace {

std::vector<std::int64_t> delays(const RetryPolicy& policy) {
  std::vector<std::int64_t> out;
  for (int failures = 1; failures < 200; ++failures) {
    const auto delay = retry_delay(policy, failures);
    if (!delay) break;
    out.push_back(delay->count() / 1000);
  }
  return out;
}

TEST(Retry, TheDefaultIsThreeTimesAfterTwentySeconds) {
  EXPECT_EQ(delays(retry_policy("", "")), (std::vector<std::int64_t>{20, 20, 20}));
}

TEST(Retry, GoesThroughFourPhases) {
  RetryPolicy policy{.retries = 9,
                     .without_delay = 2,
                     .at_minimum = 1,
                     .at_maximum = 2,
                     .minimum_s = 10,
                     .maximum_s = 40};
  EXPECT_EQ(delays(policy), (std::vector<std::int64_t>{0, 0, 10, 10, 20, 30, 40, 40, 40}));
  policy.function = "exponential";
  EXPECT_EQ(delays(policy), (std::vector<std::int64_t>{0, 0, 10, 10, 20, 40, 40, 40, 40}));
  policy.function = "geometric";
  EXPECT_EQ(delays(policy), (std::vector<std::int64_t>{0, 0, 10, 10, 15, 25, 40, 40, 40}));
}

TEST(Retry, TheSubscriptionsPolicyGoesFirstUnlessItMayNot) {
  const std::string topic =
      R"({"http": {"defaultHealthyRetryPolicy": {"numRetries": 1, "minDelayTarget": 5, "maxDelayTarget": 5}}})";
  const std::string own =
      R"({"healthyRetryPolicy": {"numRetries": 2, "minDelayTarget": 7, "maxDelayTarget": 7}, "requestPolicy": {"headerContentType": "application/json"}})";
  EXPECT_EQ(delays(retry_policy(topic, "")), (std::vector<std::int64_t>{5}));
  EXPECT_EQ(delays(retry_policy(topic, own)), (std::vector<std::int64_t>{7, 7}));
  EXPECT_EQ(retry_policy(topic, own).content_type, "application/json");
  const std::string fixed =
      topic.substr(0, topic.size() - 2) + R"(, "disableSubscriptionOverrides": true}})";
  EXPECT_EQ(delays(retry_policy(fixed, own)), (std::vector<std::int64_t>{5}));
}

TEST(Retry, ChecksPolicies) {
  EXPECT_TRUE(check_delivery_policy(R"({"healthyRetryPolicy": {"numRetries": 100}})", false));
  for (const char* wrong :
       {"", "[]", R"({"healthyRetryPolicy": {"numRetries": 101}})",
        R"({"healthyRetryPolicy": {"minDelayTarget": 0}})",
        R"({"healthyRetryPolicy": {"minDelayTarget": 30, "maxDelayTarget": 20}})",
        R"({"healthyRetryPolicy": {"numRetries": 2, "numNoDelayRetries": 3}})",
        R"({"healthyRetryPolicy": {"backoffFunction": "random"}})",
        R"({"healthyRetryPolicy": {"other": 1}})", R"({"healthyRetryPolicy": 1})",
        R"({"throttlePolicy": {"maxReceivesPerSecond": 1}})", R"({"other": 1})"}) {
    EXPECT_FALSE(check_delivery_policy(wrong, false)) << wrong;
  }
  EXPECT_FALSE(check_delivery_policy(R"({"healthyRetryPolicy": {}})", true));
  EXPECT_TRUE(check_delivery_policy(effective_topic_policy(""), true));
  EXPECT_TRUE(check_delivery_policy(effective_subscription_policy("", ""), false));
}

}  // namespace
}  // namespace landfall::sns
