#include "services/sns/delivery/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/record.h"

namespace landfall::sns {
namespace {

constexpr int kMostRetries = 100;
constexpr double kLongest_s = 3600;

std::unexpected<Error> wrong(std::string message) { return fail("policy", std::move(message)); }

std::optional<json::object> object_of(const std::string& text) {
  boost::system::error_code error;
  json::value parsed = json::parse(text, error);
  if (error || !parsed.is_object()) return {};
  return std::move(parsed.get_object());
}

const json::object* inner(const json::object& from, const char* name) {
  const json::value* found = from.if_contains(name);
  return found ? found->if_object() : nullptr;
}

double number(const json::object& from, const char* name, double otherwise) {
  const json::value* found = from.if_contains(name);
  boost::system::error_code error;
  return found && found->is_number() ? found->to_number<double>(error) : otherwise;
}

void read_retries(const json::object& from, RetryPolicy& out) {
  out.retries = int(number(from, "numRetries", out.retries));
  out.without_delay = int(number(from, "numNoDelayRetries", 0));
  out.at_minimum = int(number(from, "numMinDelayRetries", 0));
  out.at_maximum = int(number(from, "numMaxDelayRetries", 0));
  out.minimum_s = number(from, "minDelayTarget", 20);
  out.maximum_s = number(from, "maxDelayTarget", std::max(20.0, out.minimum_s));
  const json::value* function = from.if_contains("backoffFunction");
  if (function && function->is_string()) out.function = function->get_string().c_str();
}

void read_request(const json::object& from, RetryPolicy& out) {
  const json::value* type = from.if_contains("headerContentType");
  if (type && type->is_string()) out.content_type = type->get_string().c_str();
}

Result<void> check_retries(const json::object& from) {
  static const std::set<std::string, std::less<>> kKnown{
      "numRetries",         "numNoDelayRetries",  "minDelayTarget", "maxDelayTarget",
      "numMinDelayRetries", "numMaxDelayRetries", "backoffFunction"};
  for (const auto& [key, value] : from) {
    if (!kKnown.contains(std::string_view(key)))
      return wrong(fmt::format("DeliveryPolicy: {} is unknown", std::string_view(key)));
    const bool function = key == "backoffFunction";
    if (function ? !value.is_string() : !value.is_number())
      return wrong(fmt::format("DeliveryPolicy: {} has the wrong type", std::string_view(key)));
  }
  RetryPolicy policy;
  read_retries(from, policy);
  if (policy.retries < 0 || policy.retries > kMostRetries)
    return wrong("DeliveryPolicy: numRetries must be between 0 and 100");
  if (policy.minimum_s < 1 || policy.minimum_s > policy.maximum_s)
    return wrong("DeliveryPolicy: minDelayTarget must be at least 1 and at most maxDelayTarget");
  if (policy.maximum_s > kLongest_s)
    return wrong("DeliveryPolicy: maxDelayTarget must be at most 3600");
  if (policy.without_delay < 0 || policy.at_minimum < 0 || policy.at_maximum < 0 ||
      policy.without_delay + policy.at_minimum + policy.at_maximum > policy.retries) {
    return wrong("DeliveryPolicy: the retries of the phases must not be more than numRetries");
  }
  static const std::set<std::string> kFunctions{"linear", "arithmetic", "geometric", "exponential"};
  if (!kFunctions.contains(policy.function))
    return wrong(fmt::format("DeliveryPolicy: {} is no backoff function", policy.function));
  return {};
}

Result<void> check_parts(const json::object& from, const char* retries) {
  for (const auto& [key, value] : from) {
    if (key == "throttlePolicy" || key == "defaultThrottlePolicy") {
      // One would be accepted and never applied.
      if (!value.is_null()) return wrong("DeliveryPolicy: throttling is not served here");
    } else if (key == retries) {
      if (!value.is_object()) return wrong("DeliveryPolicy: a retry policy is an object");
      LF_OK(check_retries(value.get_object()));
    } else if (key == "requestPolicy" || key == "defaultRequestPolicy") {
      if (!value.is_object()) return wrong("DeliveryPolicy: a request policy is an object");
    } else if (key != "disableSubscriptionOverrides" && key != "sicklyRetryPolicy" &&
               key != "guaranteed") {
      return wrong(fmt::format("DeliveryPolicy: {} is unknown", std::string_view(key)));
    }
  }
  return {};
}

json::object retries_of(const RetryPolicy& policy) {
  return {{"minDelayTarget", std::int64_t(policy.minimum_s)},
          {"maxDelayTarget", std::int64_t(policy.maximum_s)},
          {"numRetries", policy.retries},
          {"numMaxDelayRetries", policy.at_maximum},
          {"numNoDelayRetries", policy.without_delay},
          {"numMinDelayRetries", policy.at_minimum},
          {"backoffFunction", policy.function}};
}

}  // namespace

RetryPolicy retry_policy(const std::string& topic_policy, const std::string& subscription_policy) {
  RetryPolicy out;
  bool overridable = true;
  if (const auto topic = object_of(topic_policy)) {
    if (const auto* http = inner(*topic, "http")) {
      if (const auto* retries = inner(*http, "defaultHealthyRetryPolicy"))
        read_retries(*retries, out);
      if (const auto* request = inner(*http, "defaultRequestPolicy")) read_request(*request, out);
      const json::value* fixed = http->if_contains("disableSubscriptionOverrides");
      overridable = !(fixed && fixed->is_bool() && fixed->get_bool());
    }
  }
  const auto own = overridable ? object_of(subscription_policy) : std::nullopt;
  if (!own) return out;
  if (const auto* retries = inner(*own, "healthyRetryPolicy")) read_retries(*retries, out);
  if (const auto* request = inner(*own, "requestPolicy")) read_request(*request, out);
  return out;
}

Result<void> check_delivery_policy(const std::string& text, bool topic) {
  const auto parsed = object_of(text);
  if (!parsed) return wrong("DeliveryPolicy: it is not a JSON object");
  if (!topic) return check_parts(*parsed, "healthyRetryPolicy");
  for (const auto& [key, value] : *parsed) {
    if (key != "http" || !value.is_object())
      return wrong("DeliveryPolicy: it must hold one object, http");
    LF_OK(check_parts(value.get_object(), "defaultHealthyRetryPolicy"));
  }
  return {};
}

std::string effective_topic_policy(const std::string& topic_policy) {
  const RetryPolicy policy = retry_policy(topic_policy, "");
  bool fixed = false;
  if (const auto topic = object_of(topic_policy)) {
    const auto* http = inner(*topic, "http");
    const json::value* held = http ? http->if_contains("disableSubscriptionOverrides") : nullptr;
    fixed = held && held->is_bool() && held->get_bool();
  }
  return json::serialize(json::object{
      {"http", json::object{{"defaultHealthyRetryPolicy", retries_of(policy)},
                            {"disableSubscriptionOverrides", fixed},
                            {"defaultRequestPolicy",
                             json::object{{"headerContentType", policy.content_type}}}}}});
}

std::string effective_subscription_policy(const std::string& topic_policy,
                                          const std::string& subscription_policy) {
  const RetryPolicy policy = retry_policy(topic_policy, subscription_policy);
  return json::serialize(
      json::object{{"healthyRetryPolicy", retries_of(policy)},
                   {"sicklyRetryPolicy", nullptr},
                   {"throttlePolicy", nullptr},
                   {"requestPolicy", json::object{{"headerContentType", policy.content_type}}},
                   {"guaranteed", false}});
}

// Four phases: at once, at the shortest delay, growing, at the longest.
std::optional<Millis> retry_delay(const RetryPolicy& policy, int failures) {
  if (failures < 1 || failures > policy.retries) return {};
  const auto seconds = [](double s) { return Millis(std::int64_t(s * 1000)); };
  if (failures <= policy.without_delay) return Millis(0);
  if (failures <= policy.without_delay + policy.at_minimum) return seconds(policy.minimum_s);
  if (failures > policy.retries - policy.at_maximum) return seconds(policy.maximum_s);
  const int growing = policy.retries - policy.without_delay - policy.at_minimum - policy.at_maximum;
  const int step = failures - policy.without_delay - policy.at_minimum;
  const double share = growing <= 1 ? 0 : double(step - 1) / double(growing - 1);
  const double span = policy.maximum_s - policy.minimum_s;
  if (policy.function == "linear") return seconds(policy.minimum_s + span * share);
  if (policy.function == "arithmetic") return seconds(policy.minimum_s + span * share * share);
  if (policy.function == "geometric")
    return seconds(policy.minimum_s * std::pow(policy.maximum_s / policy.minimum_s, share));
  return seconds(std::min(policy.maximum_s, policy.minimum_s * std::exp2(double(step - 1))));
}

}  // namespace landfall::sns
