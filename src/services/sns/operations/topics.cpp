// operations: CreateTopic, DeleteTopic, ListTopics, GetTopicAttributes, SetTopicAttributes
#include "services/sns/shapes.h"

namespace landfall::sns {
namespace {

constexpr std::size_t kPage = 100;
constexpr std::string_view kPages = "topics";

Result<void> check_name(const std::string& name) {
  if (name.ends_with(".fifo")) {
    return errors::invalid_parameter(
        "Invalid parameter: Topic Name Reason: FIFO topics are not served here");
  }
  const bool good =
      !name.empty() && name.size() <= 256 && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_';
      });
  if (!good) return errors::invalid_parameter("Invalid parameter: Topic Name");
  return {};
}

}  // namespace

// Creating what exists answers its ARN, unless the attributes differ.
task<Result<CreateTopicResponse>> create_topic(Sns& sns, const RequestContext& ctx,
                                               CreateTopicRequest in) {
  LF_CO_OK(check_name(in.name));
  if (in.data_protection_policy)
    co_return errors::invalid_parameter(
        "Invalid parameter: DataProtectionPolicy is not served here");
  const TopicName topic{ctx.scope, in.name};
  TopicRecord record{.name = in.name, .created = ctx.now};
  for (const auto& [name, value] : in.attributes)
    LF_CO_OK(set_topic_attribute(record, name, value));
  LF_CO_OK(add_tags(record.tags, in.tags));
  const auto table = sns.topics(ctx.scope);
  LF_CO_TRY(done,
            co_await sns.store.commit({{table.absent(in.name)}, {table.put(in.name, record)}}));
  if (!done.succeeded) {
    const auto held = table.get(in.name);
    if (held) {
      TopicRecord same = held->value;
      for (const auto& [name, value] : in.attributes)
        LF_CO_OK(set_topic_attribute(same, name, value));
      if (record::to_text(same) != record::to_text(held->value)) {
        co_return errors::invalid_parameter(
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes");
      }
      for (const Tag& tag : in.tags) {
        const auto tagged = held->value.tags.find(tag.key);
        if (tagged == held->value.tags.end() || tagged->second != tag.value) {
          co_return errors::invalid_parameter(
              "Invalid parameter: Tags Reason: Topic already exists with different tags");
        }
      }
    }
  }
  co_return CreateTopicResponse{.topic_arn = topic.arn()};
}

// With its subscriptions and whatever waits to be delivered. Deleting what is gone is success.
task<Result<DeleteTopicResponse>> delete_topic(Sns& sns, const RequestContext& ctx,
                                               DeleteTopicRequest in) {
  auto row = sns.open(ctx, "DeleteTopic", in.topic_arn);
  if (!row && row.error().code == "NotFound") co_return DeleteTopicResponse{};
  if (!row) co_return std::unexpected(row.error());
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  store::Transaction gone{{}, {sns.topics(topic.scope).remove(topic.name)}};
  for (const SubscriptionRow& subscription : sns.subscriptions_of(topic))
    gone.operations.push_back(sns.subscriptions(topic.scope).remove(subscription.id));
  LF_CO_OK(co_await sns.store.commit(std::move(gone)));
  co_return DeleteTopicResponse{};
}

task<Result<ListTopicsResponse>> list_topics(Sns& sns, const RequestContext& ctx,
                                             ListTopicsRequest in) {
  LF_CO_TRY(after, read_page(kPages, in.next_token));
  auto rows = sns.topics(ctx.scope).list({}, after, kPage + 1);
  ListTopicsResponse out;
  out.next_token = store::cut_page(rows, kPage, [](const auto& row) { return row.id; }, kPages);
  out.topics.present = true;
  for (const TopicRow& row : rows)
    out.topics.push_back({.topic_arn = TopicName{ctx.scope, row.value.name}.arn()});
  co_return out;
}

task<Result<GetTopicAttributesResponse>> get_topic_attributes(Sns& sns, const RequestContext& ctx,
                                                              GetTopicAttributesRequest in) {
  LF_CO_TRY(row, sns.open(ctx, "GetTopicAttributes", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  GetTopicAttributesResponse out;
  out.attributes = topic_attributes(sns, topic, row.value);
  co_return out;
}

task<Result<SetTopicAttributesResponse>> set_topic_attributes(Sns& sns, const RequestContext& ctx,
                                                              SetTopicAttributesRequest in) {
  LF_CO_OK(sns.open(ctx, "SetTopicAttributes", in.topic_arn));
  LF_CO_TRY(topic, parse_topic(in.topic_arn));
  LF_CO_OK(co_await sns.topics(topic.scope)
               .update(topic.name,
                       [name = in.attribute_name, value = in.attribute_value.value_or("")](
                           TopicRecord& record) -> Result<bool> {
                         LF_OK(set_topic_attribute(record, name, value));
                         return true;
                       }));
  co_return SetTopicAttributesResponse{};
}

}  // namespace landfall::sns
