#include "services/sns/explain.h"

namespace landfall::sns {

using reconcile::Explanation;
using reconcile::Severity;

task<std::optional<Explanation>> explain(const Sns& sns, Scope scope, std::string reference) {
  TopicName topic{scope, reference};
  if (Arn::looks_like(reference)) {
    auto parsed = parse_topic(reference);
    if (!parsed) co_return std::nullopt;
    topic = std::move(*parsed);
  }
  if (!sns.topics(topic.scope).get(topic.name)) co_return std::nullopt;
  Explanation out{.resource = topic.arn(), .kind = "SNS topic", .state = {}};
  int confirmed = 0;
  for (const SubscriptionRow& row : sns.subscriptions_of(topic)) {
    const SubscriptionRecord& subscription = row.value;
    if (subscription.confirmed) {
      ++confirmed;
      continue;
    }
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "SubscriptionPending",
         .message = fmt::format("{} was asked and has not confirmed its subscription.",
                                subscription.endpoint),
         .advice = "The endpoint visits the SubscribeURL of the message it was sent, or calls "
                   "ConfirmSubscription with its Token.",
         .since = subscription.created});
  }
  std::map<std::string, std::pair<std::size_t, int>> failing;  // by endpoint: how many, attempts
  for (const auto& row : sns.deliveries(topic.scope).list()) {
    if (row.value.topic != topic.name || row.value.attempts == 0) continue;
    auto& [count, attempts] = failing[row.value.endpoint];
    ++count;
    attempts = std::max(attempts, row.value.attempts);
  }
  for (const auto& [endpoint, found] : failing) {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "DeliveryFails",
         .message = fmt::format("{} message{} to {} cannot be delivered; tried {} "
                                "time{} so far.",
                                found.first, found.first == 1 ? "" : "s", endpoint, found.second,
                                found.second == 1 ? "" : "s"),
         .advice = "curl -v " + endpoint});
  }
  out.state = fmt::format("{} subscriber{}", confirmed, confirmed == 1 ? "" : "s");
  if (confirmed == 0 && out.findings.empty()) {
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "NoSubscribers",
         .message = "Nobody subscribes to the topic: what is published is lost."});
  }
  co_return out;
}

}  // namespace landfall::sns
