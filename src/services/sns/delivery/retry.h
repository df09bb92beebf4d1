// How often and when a delivery over HTTP is tried again.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace landfall::sns {

struct RetryPolicy {
  int retries = 3;
  int without_delay = 0;
  int at_minimum = 0;
  int at_maximum = 0;
  double minimum_s = 20;
  double maximum_s = 20;
  std::string function = "linear";  // "arithmetic", "geometric", "exponential"
  std::string content_type = "text/plain; charset=UTF-8";
};

// The policy of a subscription; where it has none the topic's; else the default. Texts are JSON,
// empty: none.
RetryPolicy retry_policy(const std::string& topic_policy, const std::string& subscription_policy);
// Error "policy" with what is wrong. `topic`: the form a topic takes ({"http": {...}}).
Result<void> check_delivery_policy(const std::string& text, bool topic);
// What a topic or subscription without one of its own shows.
std::string effective_topic_policy(const std::string& topic_policy);
std::string effective_subscription_policy(const std::string& topic_policy,
                                          const std::string& subscription_policy);

// Before the retry after `failures` failed attempts; none: give up.
std::optional<Millis> retry_delay(const RetryPolicy& policy, int failures);

}  // namespace landfall::sns
