#include "services/sns/service.h"

#include "services/sns/filter/filter_policy.h"
#include "wire/sns/errors.h"

namespace landfall::sns {
namespace {

template <class T>
store::Table<T> table(store::Store& store, const Scope& scope, std::string_view name) {
  return {store, fmt::format("/sns/{}/{}/{}/", scope.account, scope.region, name)};
}

constexpr std::size_t kMostWaiting = 100'000;
constexpr std::string_view kSigningKey = "key";
constexpr std::string_view kSealContext = "sns/signing";

// Absent: no filter, or one that no longer reads; both want everything.
bool wants(const SubscriptionRecord& subscription, const MessageRecord& message) {
  if (subscription.filter_policy.empty()) return true;
  const bool body = subscription.filter_scope == "MessageBody";
  const auto filter = FilterPolicy::parse(subscription.filter_policy, body);
  if (!filter) return true;
  if (!body) return filter->wants(event_of(message.attributes));
  boost::system::error_code error;
  const json::value event = json::parse(message.text, error);
  return !error && event.is_object() && filter->wants(event);
}

DeliveryRecord delivery_to(const SubscriptionRecord& subscription) {
  return {.topic = subscription.topic,
          .subscription = subscription.id,
          .protocol = subscription.protocol,
          .endpoint = subscription.endpoint,
          .raw = subscription.raw};
}

}  // namespace

std::string TopicName::arn() const {
  return fmt::format("arn:aws:sns:{}:{}:{}", scope.region, scope.account, name);
}

Result<TopicName> parse_topic(const std::string& text) {
  const auto arn = Arn::parse(text);
  if (!arn || arn->service != "sns" || arn->resource.empty() || arn->resource.contains(':') ||
      arn->account.empty() || arn->region.empty()) {
    return errors::invalid_parameter(fmt::format(
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not {}",
        1 + std::ranges::count(text, ':')));
  }
  return TopicName{{arn->account, arn->region}, arn->resource};
}

std::string subscription_arn(const TopicName& topic, const SubscriptionRecord& subscription) {
  return topic.arn() + ":" + subscription.id;
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
std::string default_policy(const TopicName& topic) {
  return fmt::format(
      R"({{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"{}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{}"}}}}}}]}})",
      topic.arn(), topic.scope.account);
}

std::string policy_of(const TopicName& topic, const TopicRecord& record) {
  return record.policy.empty() ? default_policy(topic) : record.policy;
}

std::string base_url(const Sns& sns, const Scope& scope, const std::string& endpoint) {
  const std::size_t host_at = endpoint.find("://");
  const std::string_view rest =
      std::string_view(endpoint).substr(host_at == endpoint.npos ? 0 : host_at + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const std::string_view host = authority.substr(0, authority.rfind(':'));
  if (host.ends_with(".landfall.test"))
    return fmt::format("https://sns.{}.amazonaws.com", scope.region);
  return sns.api_url;
}

store::Table<TopicRecord> Sns::topics(const Scope& scope) const {
  return table<TopicRecord>(store, scope, "topics");
}
store::Table<SubscriptionRecord> Sns::subscriptions(const Scope& scope) const {
  return table<SubscriptionRecord>(store, scope, "subscriptions");
}
store::Table<MessageRecord> Sns::messages(const Scope& scope) const {
  return table<MessageRecord>(store, scope, "messages");
}
store::Table<DeliveryRecord> Sns::deliveries(const Scope& scope) const {
  return table<DeliveryRecord>(store, scope, "deliveries");
}
store::Table<SigningRecord> Sns::signing() const {
  return table<SigningRecord>(store, {"-", "-"}, "signing");
}

Result<void> Sns::authorize(const RequestContext& ctx, const std::string& action,
                            const TopicName& topic) const {
  iam::Access access{.action = "sns:" + action, .resource = topic.arn()};
  access.context.set("aws:SourceOwner", ctx.principal.account);
  if (topic.scope.account != ctx.principal.account) access.resource_account = topic.scope.account;
  if (const auto row = topics(topic.scope).get(topic.name)) {
    for (const auto& [key, value] : row->value.tags)
      access.context.set("aws:ResourceTag/" + key, value);
    // The default policy says no more than that the account may: its own policies decide.
    if (!row->value.policy.empty()) {
      auto policy =
          iam::policy::Document::parse(row->value.policy, iam::policy::DocumentKind::resource);
      if (policy) access.resource_policy = std::move(*policy);
    }
  }
  auto allowed = iam.authorize(ctx, access);
  if (allowed) return {};
  return errors::authorization_error(std::move(allowed.error().message));
}

Result<TopicRow> Sns::open(const RequestContext& ctx, const std::string& action,
                           const std::string& topic_arn) const {
  LF_TRY(topic, parse_topic(topic_arn));
  if (topic.scope.region != ctx.scope.region)
    return errors::invalid_parameter("Invalid parameter: TopicArn");
  LF_OK(authorize(ctx, action, topic));
  auto row = topics(topic.scope).get(topic.name);
  if (!row) return errors::not_found("Topic does not exist");
  return std::move(*row);
}

std::vector<SubscriptionRow> Sns::subscriptions_of(const TopicName& topic) const {
  return subscriptions(topic.scope).list(topic.name + "/");
}

task<Result<std::string>> Sns::publish(TopicName topic, MessageRecord message) {
  if (deliveries_waiting && deliveries_waiting() > kMostWaiting)
    co_return fail("Throttled", "Rate exceeded: too many messages wait for their subscribers.", 429);
  message.id = random.uuid();
  message.topic = topic.name;
  message.published = clock.now();
  store::Transaction transaction;
  const auto all = subscriptions_of(topic);
  for (const SubscriptionRow& row : all) {
    if (!row.value.confirmed || !wants(row.value, message)) continue;
    transaction.operations.push_back(
        deliveries(topic.scope).put(message.id + "/" + row.value.id, delivery_to(row.value)));
  }
  if (transaction.operations.empty()) co_return message.id;
  transaction.operations.push_back(messages(topic.scope).put(message.id, message));
  LF_CO_OK(co_await store.commit(std::move(transaction)));
  if (message_added) message_added(topic.scope, message.id);
  co_return message.id;
}

task<Result<void>> Sns::tell(TopicName topic, SubscriptionRecord subscription, std::string type) {
  MessageRecord message{.id = random.uuid(),
                        .topic = topic.name,
                        .type = type,
                        .token = subscription.token,
                        .published = clock.now()};
  message.text =
      type == "SubscriptionConfirmation"
          ? fmt::format(
                "You have chosen to subscribe to the topic {}.\nTo confirm the "
                "subscription, visit the SubscribeURL included in this message.",
                topic.arn())
          : fmt::format(
                "You have chosen to deactivate subscription {}.\nTo cancel this operation "
                "and restore the subscription, visit the SubscribeURL included in this "
                "message.",
                subscription_arn(topic, subscription));
  LF_CO_OK(co_await store.commit(
      {{},
       {messages(topic.scope).put(message.id, message),
        deliveries(topic.scope)
            .put(message.id + "/" + subscription.id, delivery_to(subscription))}}));
  if (message_added) message_added(topic.scope, message.id);
  co_return Result<void>();
}

task<Result<SigningRecord>> Sns::signing_key() {
  for (;;) {
    if (auto held = signing().get(kSigningKey)) {
      LF_CO_TRY(key, sealer.unseal(held->value.sealed_key, kSealContext));
      held->value.sealed_key = key;
      co_return std::move(held->value);
    }
    auto made = co_await loop.run_blocking([&authority = authority] {
      return authority.issue({"sns.amazonaws.com"},
                             {.key = "RSA_2048", .valid = std::chrono::days(3650)});
    });
    if (!made) co_return std::unexpected(made.error());
    const SigningRecord record{.id = random.hex(32),
                               .certificate = made->certificate,
                               .sealed_key = sealer.seal(made->key, kSealContext)};
    LF_CO_OK(co_await store.commit(
        {{signing().absent(kSigningKey)}, {signing().put(kSigningKey, record)}}));
  }
}

// A service of this installation speaks for the account whose resource it is about. A policy that
// somebody wrote must let it: as the service, or as the account.
task<Result<std::string>> Sns::publish_for_service(Scope scope, ServiceMessage in) {
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  const auto row = topics(topic.scope).get(topic.name);
  if (!row) co_return errors::not_found("Topic does not exist");
  iam::policy::ContextKeys context;
  context.set("aws:SourceOwner", scope.account);
  context.set("aws:SourceAccount", scope.account);
  context.set("aws:SourceArn", in.source_arn);
  LF_CO_TRY(document, iam::policy::Document::parse(policy_of(topic, row->value),
                                                   iam::policy::DocumentKind::resource));
  const auto allows = [&](const Principal& principal) {
    return iam::policy::evaluate({.resource = document, .resource_account = topic.scope.account},
                                 {.action = "sns:Publish",
                                  .resource = topic.arn(),
                                  .context = context,
                                  .principal = principal});
  };
  const auto as_service = allows({.kind = Principal::Kind::service,
                                  .account = scope.account,
                                  .arn = in.service,
                                  .name = in.service});
  // The account's own root, without policies of its own: only what the topic says counts.
  const auto as_account = allows({.kind = Principal::Kind::user,
                                  .account = scope.account,
                                  .arn = fmt::format("arn:aws:iam::{}:root", scope.account)});
  const bool denied = as_service.explicit_deny || as_account.explicit_deny;
  if (denied || !(as_service.allowed || as_account.allowed)) {
    co_return errors::authorization_error(
        fmt::format("Resource: {} does not authorize {} to perform action sns:Publish", topic.arn(),
                    in.service));
  }
  MessageRecord message;
  message.subject = std::move(in.subject);
  message.text = std::move(in.message);
  co_return co_await publish(topic, std::move(message));
}

}  // namespace landfall::sns
