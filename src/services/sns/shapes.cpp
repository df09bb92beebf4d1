#include "services/sns/shapes.h"

#include "services/sns/delivery/retry.h"
#include "services/sns/filter/filter_policy.h"

namespace landfall::sns {
namespace {

constexpr std::size_t kMostTags = 50;
constexpr std::size_t kMostPolicyBytes = 30'720;

std::unexpected<Error> wrong(std::string_view name, std::string_view reason) {
  return errors::invalid_parameter(
      fmt::format("Invalid parameter: {}{}{}", name, reason.empty() ? "" : " Reason: ", reason));
}

// "HTTPSuccessFeedbackRoleArn"; those of other protocols would never be used.
bool feedback(const std::string& name) {
  return name == "HTTPSuccessFeedbackRoleArn" || name == "HTTPSuccessFeedbackSampleRate" ||
         name == "HTTPFailureFeedbackRoleArn";
}

Result<void> set_feedback(TopicRecord& topic, const std::string& name, const std::string& value) {
  if (value.empty()) {
    topic.feedback.erase(name);
    return {};
  }
  if (name.ends_with("SampleRate")) {
    int rate = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rate);
    if (error != std::errc() || end != value.data() + value.size() || rate < 0 || rate > 100)
      return wrong(name, "the rate is a number from 0 to 100");
  } else if (const auto arn = Arn::parse(value); !arn || arn->service != "iam") {
    return wrong(name, "this is not the ARN of a role");
  }
  topic.feedback[name] = value;
  return {};
}

// Those of protocols that are not served. Terraform's provider sets the rate of each to 0, which is
// what it is; anything else would never have an effect.
bool other_feedback(const std::string& name) {
  return (name.ends_with("FeedbackRoleArn") || name.ends_with("SuccessFeedbackSampleRate")) &&
         (name.starts_with("Application") || name.starts_with("Firehose") ||
          name.starts_with("Lambda") || name.starts_with("SQS"));
}

bool truth(const std::string& value, bool& out) {
  out = value == "true" || value == "True" || value == "TRUE";
  return out || value == "false" || value == "False" || value == "FALSE";
}

}  // namespace

Result<void> set_topic_attribute(TopicRecord& topic, const std::string& name,
                                 const std::string& value) {
  if (name == "DisplayName") {
    if (value.size() > 100) return wrong("DisplayName", "it has more than 100 characters");
    topic.display_name = value;
    return {};
  }
  if (name == "Policy") {
    if (value.size() > kMostPolicyBytes) return wrong("Policy", "it is too long");
    if (!value.empty()) {
      const auto parsed = iam::policy::Document::parse(value, iam::policy::DocumentKind::resource);
      if (!parsed) return wrong("Policy", parsed.error().message);
    }
    topic.policy = value;
    return {};
  }
  if (name == "DeliveryPolicy") {
    if (!value.empty()) {
      if (auto good = check_delivery_policy(value, true); !good)
        return wrong("DeliveryPolicy", good.error().message);
    }
    topic.delivery_policy = value;
    return {};
  }
  if (name == "SignatureVersion") {
    if (value != "1" && value != "2") return wrong("SignatureVersion", "it is 1 or 2");
    topic.signature_version = value;
    return {};
  }
  if (feedback(name)) return set_feedback(topic, name, value);
  if (other_feedback(name) && (value.empty() || value == "0")) return {};
  if (name == "KmsMasterKeyId") {
    if (value.empty()) return {};
    return wrong(name, "encryption of topics is not served here");
  }
  if (name == "TracingConfig" && value == "PassThrough") return {};
  if (name == "FifoTopic" && value == "false") return {};
  if (name == "FifoTopic" || name == "ContentBasedDeduplication" || name == "ArchivePolicy" ||
      name == "FifoThroughputScope") {
    return wrong(name, "FIFO topics are not served here");
  }
  return wrong("AttributeName", fmt::format("{} is not served here", name));
}

Result<void> set_subscription_attribute(SubscriptionRecord& subscription, const std::string& name,
                                        const std::string& value) {
  if (name == "RawMessageDelivery") {
    if (!truth(value, subscription.raw))
      return wrong(name, fmt::format("{} is not a boolean", value));
    return {};
  }
  if (name == "FilterPolicyScope") {
    if (value != "MessageAttributes" && value != "MessageBody")
      return wrong(name, fmt::format("Invalid value [{}]", value));
    subscription.filter_scope = value;
    // The policy at hand must suit.
    if (subscription.filter_policy.empty()) return {};
    return set_subscription_attribute(subscription, "FilterPolicy",
                                      std::string(subscription.filter_policy));
  }
  if (name == "FilterPolicy") {
    const auto parsed =
        value.empty() ? FilterPolicy()
                      : FilterPolicy::parse(value, subscription.filter_scope == "MessageBody");
    if (!parsed) return wrong("FilterPolicy", parsed.error().message);
    subscription.filter_policy = value == "{}" ? "" : value;
    return {};
  }
  if (name == "DeliveryPolicy") {
    if (!value.empty()) {
      if (auto good = check_delivery_policy(value, false); !good)
        return wrong("DeliveryPolicy", good.error().message);
    }
    subscription.delivery_policy = value;
    return {};
  }
  if (name == "RedrivePolicy" || name == "SubscriptionRoleArn" || name == "ReplayPolicy") {
    if (value.empty()) return {};
    return wrong(name, "it is not served here");
  }
  return wrong("AttributeName", "");
}

Attributes topic_attributes(const Sns& sns, const TopicName& topic, const TopicRecord& record) {
  int pending = 0;
  int confirmed = 0;
  for (const SubscriptionRow& row : sns.subscriptions_of(topic))
    ++(row.value.confirmed ? confirmed : pending);
  Attributes out{{"TopicArn", topic.arn()},
                 {"Owner", topic.scope.account},
                 {"DisplayName", record.display_name},
                 {"Policy", policy_of(topic, record)},
                 {"SubscriptionsPending", std::to_string(pending)},
                 {"SubscriptionsConfirmed", std::to_string(confirmed)},
                 {"SubscriptionsDeleted", "0"},
                 {"EffectiveDeliveryPolicy", effective_topic_policy(record.delivery_policy)}};
  if (!record.delivery_policy.empty()) out["DeliveryPolicy"] = record.delivery_policy;
  if (record.signature_version != "1") out["SignatureVersion"] = record.signature_version;
  out.insert(record.feedback.begin(), record.feedback.end());
  return out;
}

Attributes subscription_attributes(const TopicName& topic, const TopicRecord& record,
                                   const SubscriptionRecord& subscription) {
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  Attributes out{{"SubscriptionArn", subscription_arn(topic, subscription)},
                 {"TopicArn", topic.arn()},
                 {"Owner", subscription.owner},
                 {"SubscriptionPrincipal", fmt::format("arn:aws:iam::{}:root", subscription.owner)},
                 {"Protocol", subscription.protocol},
                 {"Endpoint", subscription.endpoint},
                 {"PendingConfirmation", truth(!subscription.confirmed)},
                 {"ConfirmationWasAuthenticated", truth(subscription.authenticated)},
                 {"RawMessageDelivery", truth(subscription.raw)}};
  if (!subscription.filter_policy.empty()) {
    out["FilterPolicy"] = subscription.filter_policy;
    out["FilterPolicyScope"] = subscription.filter_scope;
  }
  if (subscription.protocol != "cloudwatch-logs") {
    out["EffectiveDeliveryPolicy"] =
        effective_subscription_policy(record.delivery_policy, subscription.delivery_policy);
    if (!subscription.delivery_policy.empty()) out["DeliveryPolicy"] = subscription.delivery_policy;
  }
  return out;
}

Subscription to_subscription(const TopicName& topic, const SubscriptionRecord& subscription) {
  return {.subscription_arn = subscription.confirmed ? subscription_arn(topic, subscription)
                                                     : "PendingConfirmation",
          .owner = subscription.owner,
          .protocol = subscription.protocol,
          .endpoint = subscription.endpoint,
          .topic_arn = topic.arn()};
}

Result<FoundSubscription> find_subscription(const Sns& sns, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto topic =
      colon == text.npos ? std::unexpected(Error{}) : parse_topic(text.substr(0, colon));
  if (!topic) {
    return errors::invalid_parameter(
        "Invalid parameter: SubscriptionArn Reason: this is not the ARN of a subscription");
  }
  auto row = sns.subscriptions(topic->scope).get(topic->name + "/" + text.substr(colon + 1));
  if (!row) return errors::not_found("Subscription does not exist");
  return FoundSubscription{*topic, std::move(*row)};
}

Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token) {
  auto after = store::read_page_token(list, token);
  if (!after) return wrong("NextToken", "Unable to process the token");
  return after;
}

Result<void> add_tags(Attributes& tags, const wire::List<Tag>& more) {
  for (const Tag& tag : more) {
    if (tag.key.starts_with("aws:")) return wrong("Tags", "keys must not start with aws:");
    tags[tag.key] = tag.value;
  }
  if (tags.size() > kMostTags)
    return errors::tag_limit_exceeded(
        "Could not complete request: tag quota of per resource exceeded");
  return {};
}

}  // namespace landfall::sns
