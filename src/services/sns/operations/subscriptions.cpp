// operations: ListSubscriptions, ListSubscriptionsByTopic
// operations: GetSubscriptionAttributes, SetSubscriptionAttributes
#include "services/sns/shapes.h"

namespace landfall::sns {
namespace {

constexpr std::size_t kPage = 100;

}  // namespace

task<Result<ListSubscriptionsResponse>> list_subscriptions(Sns& sns, const RequestContext& ctx,
                                                           ListSubscriptionsRequest in) {
  LF_CO_TRY(after, read_page("subscriptions", in.next_token));
  auto rows = sns.subscriptions(ctx.scope).list({}, after, kPage + 1);
  ListSubscriptionsResponse out;
  out.next_token =
      store::cut_page(rows, kPage, [](const auto& row) { return row.id; }, "subscriptions");
  out.subscriptions.present = true;
  for (const SubscriptionRow& row : rows)
    out.subscriptions.push_back(to_subscription({ctx.scope, row.value.topic}, row.value));
  co_return out;
}

task<Result<ListSubscriptionsByTopicResponse>> list_subscriptions_by_topic(
    Sns& sns, const RequestContext& ctx, ListSubscriptionsByTopicRequest in) {
  LF_CO_OK(sns.open(ctx, "ListSubscriptionsByTopic", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  LF_CO_TRY(after, read_page("topic-subscriptions", in.next_token));
  auto rows = sns.subscriptions(topic.scope).list(topic.name + "/", after, kPage + 1);
  ListSubscriptionsByTopicResponse out;
  out.next_token =
      store::cut_page(rows, kPage, [](const auto& row) { return row.id; }, "topic-subscriptions");
  out.subscriptions.present = true;
  for (const SubscriptionRow& row : rows)
    out.subscriptions.push_back(to_subscription(topic, row.value));
  co_return out;
}

task<Result<GetSubscriptionAttributesResponse>> get_subscription_attributes(
    Sns& sns, const RequestContext& ctx, GetSubscriptionAttributesRequest in) {
  LF_CO_TRY(found, find_subscription(sns, in.subscription_arn));
  LF_CO_OK(sns.authorize(ctx, "GetSubscriptionAttributes", found.topic));
  const auto topic = sns.topics(found.topic.scope).get(found.topic.name);
  GetSubscriptionAttributesResponse out;
  out.attributes =
      subscription_attributes(found.topic, topic ? topic->value : TopicRecord{}, found.row.value);
  co_return out;
}

task<Result<SetSubscriptionAttributesResponse>> set_subscription_attributes(
    Sns& sns, const RequestContext& ctx, SetSubscriptionAttributesRequest in) {
  LF_CO_TRY(found, find_subscription(sns, in.subscription_arn));
  LF_CO_OK(sns.authorize(ctx, "SetSubscriptionAttributes", found.topic));
  LF_CO_OK(co_await sns.subscriptions(found.topic.scope)
               .update(found.row.id,
                       [name = in.attribute_name, value = in.attribute_value.value_or("")](
                           SubscriptionRecord& record) -> Result<bool> {
                         LF_OK(set_subscription_attribute(record, name, value));
                         return true;
                       }));
  co_return SetSubscriptionAttributesResponse{};
}

}  // namespace landfall::sns
