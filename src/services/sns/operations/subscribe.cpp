// operations: Subscribe, ConfirmSubscription, Unsubscribe
#include "services/sns/shapes.h"

namespace landfall::sns {
namespace {

constexpr Millis kTokenLives = std::chrono::hours(3 * 24);
constexpr std::size_t kTokenDigits = 224;

std::unexpected<Error> wrong(std::string message) {
  return errors::invalid_parameter("Invalid parameter: " + std::move(message));
}

Result<void> check_endpoint(const std::string& protocol, const std::string& endpoint) {
  if (protocol == "http" || protocol == "https") {
    const std::string scheme = protocol + "://";
    if (!endpoint.starts_with(scheme) || endpoint.size() == scheme.size() ||
        endpoint.size() > 2048 || endpoint.contains('@')) {
      return wrong("Endpoint must match the specified protocol");
    }
    return {};
  }
  if (protocol == "cloudwatch-logs") {
    const auto arn = Arn::parse(endpoint);
    if (arn && arn->service == "logs" && arn->resource.starts_with("log-group:")) return {};
    return wrong("Endpoint Reason: it must be the ARN of a log group");
  }
  for (const char* known :
       {"email", "email-json", "sms", "sqs", "application", "lambda", "firehose"}) {
    if (protocol == known) {
      return wrong(fmt::format(
          "Protocol Reason: {} is not served here; http, https and cloudwatch-logs are", protocol));
    }
  }
  return wrong(fmt::format("Does not support this protocol string: {}", protocol));
}

std::optional<SubscriptionRow> find_same(const Sns& sns, const TopicName& topic,
                                         const SubscribeRequest& in) {
  for (SubscriptionRow& row : sns.subscriptions_of(topic)) {
    if (row.value.protocol == in.protocol && row.value.endpoint == in.endpoint.value_or(""))
      return std::move(row);
  }
  return {};
}

}  // namespace

// An HTTP endpoint is asked first whether it wants this; the caller's own log group is not.
task<Result<SubscribeResponse>> subscribe(Sns& sns, const RequestContext& ctx,
                                          SubscribeRequest in) {
  LF_CO_OK(sns.open(ctx, "Subscribe", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  LF_CO_OK(check_endpoint(in.protocol, in.endpoint.value_or("")));
  if (in.protocol == "cloudwatch-logs") {
    LF_CO_OK(sns.iam.authorize(ctx, {.action = "logs:PutLogEvents", .resource = *in.endpoint}));
  }
  SubscriptionRecord record{.id = sns.random.uuid(),
                            .topic = topic.name,
                            .owner = ctx.principal.account,
                            .protocol = in.protocol,
                            .endpoint = in.endpoint.value_or(""),
                            .created = ctx.now};
  // The scope first: it says how the policy is to be read.
  if (const auto scope = in.attributes.find("FilterPolicyScope"); scope != in.attributes.end())
    LF_CO_OK(set_subscription_attribute(record, scope->first, scope->second));
  for (const auto& [name, value] : in.attributes)
    LF_CO_OK(set_subscription_attribute(record, name, value));
  SubscribeResponse out;
  if (const auto held = find_same(sns, topic, in)) {
    SubscriptionRecord same = held->value;
    for (const auto& [name, value] : in.attributes)
      LF_CO_OK(set_subscription_attribute(same, name, value));
    if (record::to_text(same) != record::to_text(held->value)) {
      co_return wrong("Attributes Reason: Subscription already exists with different attributes");
    }
    record = held->value;
  }
  const bool asked = in.protocol != "cloudwatch-logs";
  if (!record.confirmed) {
    record.confirmed = !asked;
    record.authenticated = !asked;
    record.token = asked ? sns.random.hex(kTokenDigits) : std::string();
    record.token_expires = ctx.now + kTokenLives;
    const std::string id = topic.name + "/" + record.id;
    LF_CO_OK(co_await sns.store.commit({{}, {sns.subscriptions(topic.scope).put(id, record)}}));
    if (asked) LF_CO_OK(co_await sns.tell(topic, record, "SubscriptionConfirmation"));
  }
  out.subscription_arn = record.confirmed || in.return_subscription_arn.value_or(false)
                             ? subscription_arn(topic, record)
                             : "pending confirmation";
  co_return out;
}

// Whoever has the token is the endpoint: it needs no signature.
task<Result<ConfirmSubscriptionResponse>> confirm_subscription(Sns& sns, const RequestContext& ctx,
                                                               ConfirmSubscriptionRequest in) {
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  const bool authenticated = ctx.principal.kind != Principal::Kind::anonymous;
  if (authenticated) LF_CO_OK(sns.authorize(ctx, "ConfirmSubscription", topic));
  const bool lock = in.authenticate_on_unsubscribe == "true";
  if (lock && !authenticated)
    co_return errors::authorization_error("AuthenticateOnUnsubscribe needs a signed request");
  if (!sns.topics(topic.scope).get(topic.name)) co_return errors::not_found("Topic does not exist");
  for (const SubscriptionRow& row : sns.subscriptions_of(topic)) {
    if (row.value.token.empty() || row.value.token != in.token) continue;
    if (ctx.now > row.value.token_expires && !row.value.confirmed) co_return wrong("Token");
    LF_CO_OK(co_await sns.subscriptions(topic.scope)
                 .update(row.id, [&](SubscriptionRecord& record) -> Result<bool> {
                   if (record.confirmed && !lock) return false;
                   record.confirmed = true;
                   record.authenticated = authenticated;
                   record.authenticate_on_unsubscribe = lock;
                   return true;
                 }));
    co_return ConfirmSubscriptionResponse{.subscription_arn = subscription_arn(topic, row.value)};
  }
  co_return wrong("Token");
}

task<Result<UnsubscribeResponse>> unsubscribe(Sns& sns, const RequestContext& ctx,
                                              UnsubscribeRequest in) {
  auto found = find_subscription(sns, in.subscription_arn);
  if (!found && found.error().code == "NotFound") co_return UnsubscribeResponse{};
  if (!found) co_return std::unexpected(found.error());
  const SubscriptionRecord& subscription = found->row.value;
  const bool anonymous = ctx.principal.kind == Principal::Kind::anonymous;
  if (anonymous && subscription.authenticate_on_unsubscribe)
    co_return errors::authorization_error("This subscription is ended by its owner only.");
  if (!anonymous) LF_CO_OK(sns.authorize(ctx, "Unsubscribe", found->topic));
  if (!subscription.confirmed && !anonymous) {
    co_return wrong(
        "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation");
  }
  LF_CO_OK(co_await sns.store.commit(
      {{}, {sns.subscriptions(found->topic.scope).remove(found->row.id)}}));
  if (subscription.protocol != "cloudwatch-logs")
    LF_CO_OK(co_await sns.tell(found->topic, subscription, "UnsubscribeConfirmation"));
  co_return UnsubscribeResponse{};
}

}  // namespace landfall::sns
