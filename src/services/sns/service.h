// SNS and what it depends on.
#pragma once

#include "host/authority/authority.h"
#include "services/iam/port.h"
#include "services/logs/port.h"
#include "services/sns/port.h"
#include "services/sns/records.h"
#include "store/sealed.h"
#include "store/table.h"

namespace landfall::sns {

using TopicRow = store::Row<TopicRecord>;
using SubscriptionRow = store::Row<SubscriptionRecord>;

// A topic as an ARN names it.
struct TopicName {
  Scope scope;
  std::string name;
  std::string arn() const;
};

struct Sns final : Port {
  Sns(io::Loop& event_loop, store::Store& state, const Clock& time, Random& chance,
      const store::Sealer& seal, iam::Port& access, logs::Port& lines, host::Authority& certifier,
      std::string trusted)
      : loop(event_loop),
        store(state),
        clock(time),
        random(chance),
        sealer(seal),
        iam(access),
        logs(lines),
        authority(certifier),
        ca_file(std::move(trusted)) {}

  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  const store::Sealer& sealer;
  iam::Port& iam;
  logs::Port& logs;
  host::Authority& authority;
  std::string ca_file;  // who https endpoints must be certified by
  std::string api_url;  // "http://127.0.0.1:4566", once that is known
  // The deliverer's: there are deliveries of this message.
  std::function<void(const Scope& scope, const std::string& message_id)> message_added;
  std::function<std::size_t()> deliveries_waiting;

  store::Table<TopicRecord> topics(const Scope& scope) const;
  store::Table<SubscriptionRecord> subscriptions(const Scope& scope) const;
  store::Table<MessageRecord> messages(const Scope& scope) const;
  store::Table<DeliveryRecord> deliveries(const Scope& scope) const;
  store::Table<SigningRecord> signing() const;

  // Whether the caller may, by its own policies or the topic's. Errors AuthorizationError.
  Result<void> authorize(const RequestContext& ctx, const std::string& action,
                         const TopicName& topic) const;
  // Reads the ARN, authorizes, finds. Errors InvalidParameter, AuthorizationError, NotFound.
  Result<TopicRow> open(const RequestContext& ctx, const std::string& action,
                        const std::string& topic_arn) const;
  std::vector<SubscriptionRow> subscriptions_of(const TopicName& topic) const;

  // Writes the message and a delivery for every subscription that wants it. The message's id. Error
  // Throttled: too much waits already.
  task<Result<std::string>> publish(TopicName topic, MessageRecord message);
  // Tells one subscriber: the confirmation of a subscription, or of its end.
  task<Result<void>> tell(TopicName topic, SubscriptionRecord subscription, std::string type);
  // Makes the signing key unless it is there.
  task<Result<SigningRecord>> signing_key();

  task<Result<std::string>> publish_for_service(Scope scope, ServiceMessage message) override;
};

Result<TopicName> parse_topic(const std::string& arn);  // InvalidParameter
std::string subscription_arn(const TopicName& topic, const SubscriptionRecord& subscription);
std::string default_policy(const TopicName& topic);
std::string policy_of(const TopicName& topic, const TopicRecord& record);
// Where a subscriber finds us: AWS's own name inside VPCs, the API's address outside.
std::string base_url(const Sns& sns, const Scope& scope, const std::string& endpoint);

}  // namespace landfall::sns
