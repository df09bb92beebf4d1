// What the operations have in common: attributes as the API shows them, and back.
#pragma once

#include "services/sns/service.h"
#include "store/pagination.h"
#include "wire/sns/errors.h"
#include "wire/sns/operations.h"

namespace landfall::sns {

using Attributes = std::map<std::string, std::string>;

// Errors InvalidParameter.
Result<void> set_topic_attribute(TopicRecord& topic, const std::string& name,
                                 const std::string& value);
Result<void> set_subscription_attribute(SubscriptionRecord& subscription, const std::string& name,
                                        const std::string& value);
Attributes topic_attributes(const Sns& sns, const TopicName& topic, const TopicRecord& record);
Attributes subscription_attributes(const TopicName& topic, const TopicRecord& record,
                                   const SubscriptionRecord& subscription);
Subscription to_subscription(const TopicName& topic, const SubscriptionRecord& subscription);

struct FoundSubscription {
  TopicName topic;
  SubscriptionRow row;
};
// Errors InvalidParameter, NotFound.
Result<FoundSubscription> find_subscription(const Sns& sns, const std::string& arn);

Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token);
Result<void> add_tags(Attributes& tags, const wire::List<Tag>& more);

}  // namespace landfall::sns
