#include "services/sns/delivery/deliverer.h"

#include "base/log.h"
#include "http/client.h"
#include "services/sns/delivery/notification.h"
#include "services/sns/delivery/retry.h"

namespace landfall::sns {
namespace {

constexpr std::size_t kMostAtOnce = 64;
constexpr std::size_t kMostAtOnePlace = 8;
constexpr std::size_t kMostSilent = 2;
constexpr Millis kLookAgain = Millis(200);
constexpr Millis kAnswerWithin = std::chrono::seconds(15);
constexpr Millis kLongestPause = std::chrono::hours(1);
// When the store or the disk fails: no fault of the subscriber's.
constexpr Millis kOwnFault = std::chrono::seconds(5);

// "arn:aws:logs:REGION:ACCOUNT:log-group:NAME", with or without ":*".
struct LogGroup {
  Scope scope;
  std::string name;
};
std::optional<LogGroup> log_group_of(const std::string& text) {
  const auto arn = Arn::parse(text);
  constexpr std::string_view kKind = "log-group:";
  if (!arn || arn->service != "logs" || !arn->resource.starts_with(kKind)) return {};
  std::string name = arn->resource.substr(kKind.size());
  if (name.ends_with(":*")) name.resize(name.size() - 2);
  return LogGroup{{arn->account, arn->region}, std::move(name)};
}

// Not to be asked again:
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
bool hopeless(int status) { return status >= 400 && status < 500 && status != 429; }

}  // namespace

Deliverer::Deliverer(io::Loop& loop, Sns& sns)
    : loop_(loop), sns_(sns), scope_(loop), changed_(loop) {
  sns_.message_added = [this](const Scope& scope, const std::string& id) { add(scope, id); };
  sns_.deliveries_waiting = [this] { return waiting_.size(); };
  load();
}

void Deliverer::start() {
  scope_.spawn("sns deliveries", run());
  scope_.spawn("sns housekeeping", keep_house());
}
task<void> Deliverer::stop() { return scope_.stop(); }

// What a server before this one left.
void Deliverer::load() {
  constexpr std::string_view kPrefix = "/sns/";
  for (const store::KeyValue& kv : sns_.store.range(kPrefix)) {
    const std::size_t at = kv.key.find("/deliveries/");
    if (at == kv.key.npos) continue;
    const std::string scope = kv.key.substr(kPrefix.size(), at - kPrefix.size());
    const std::size_t slash = scope.find('/');
    const auto record = record::from_text<DeliveryRecord>(kv.value);
    if (slash == scope.npos || !record) continue;
    waiting_[{{scope.substr(0, slash), scope.substr(slash + 1)},
              kv.key.substr(at + std::string_view("/deliveries/").size())}] = {record->next,
                                                                               record->endpoint};
  }
}

// Subscriptions that nobody has confirmed in time end by themselves.
task<void> Deliverer::keep_house() {
  while (true) {
    const TimePoint now = sns_.clock.now();
    std::vector<store::Operation> gone;
    for (const store::KeyValue& kv : sns_.store.range("/sns/")) {
      if (kv.key.find("/subscriptions/") == kv.key.npos) continue;
      const auto record = record::from_text<SubscriptionRecord>(kv.value);
      if (record && !record->confirmed && record->token_expires < now)
        gone.push_back(store::Delete{kv.key});
    }
    if (!gone.empty()) {
      if (auto done = co_await sns_.store.commit({{}, std::move(gone)}); !done)
        log::warning("sns", "old subscriptions cannot be removed: {}", done.error().message);
    }
    co_await loop_.sleep_for(std::chrono::hours(1));
  }
}

void Deliverer::add(const Scope& scope, const std::string& message_id) {
  for (const auto& row : sns_.deliveries(scope).list(message_id + "/"))
    waiting_[{scope, row.id}] = {row.value.next, row.value.endpoint};
  changed_.notify_all();
}

// One slow subscriber must not take every place, nor several that cannot be reached.
bool Deliverer::held_up(const Due& due) const {
  const auto busy = busy_.find(due.endpoint);
  return (busy != busy_.end() && busy->second >= kMostAtOnePlace) ||
         (silent_running_ >= kMostSilent && silent_.contains(due.endpoint));
}

task<void> Deliverer::run() {
  while (true) {
    const TimePoint now = sns_.clock.now();
    Millis pause = kLongestPause;
    std::vector<std::pair<Place, bool>> starting;  // and whether it was silent
    for (const auto& [place, due] : waiting_) {
      if (running_ + starting.size() >= kMostAtOnce) break;
      // A clock that was set back must not make anything wait for ever.
      if (due.at > now && due.at - now <= kLongestPause) {
        pause = std::min(pause, Millis(due.at - now));
      } else if (held_up(due)) {
        pause = std::min(pause, kLookAgain);
      } else {
        const bool silent = silent_.contains(due.endpoint);
        ++busy_[due.endpoint];
        if (silent) ++silent_running_;
        starting.emplace_back(place, silent);
      }
    }
    for (const auto& [place, silent] : starting) {
      auto node = waiting_.extract(place);
      ++running_;
      scope_.spawn("sns delivery", deliver(place, std::move(node.mapped().endpoint), silent));
    }
    (void)co_await changed_.wait_for(pause);
  }
}

task<void> Deliverer::deliver(Place place, std::string endpoint, bool silent) {
  auto done = co_await attempt_and_note(place);
  if (!done) {
    log::warning("sns", "a delivery cannot be noted: {}", done.error().message);
    waiting_[place] = {sns_.clock.now() + kOwnFault, endpoint};
  }
  --running_;
  if (silent) --silent_running_;
  if (const auto busy = busy_.find(endpoint); busy != busy_.end() && --busy->second == 0)
    busy_.erase(busy);
  changed_.notify_all();
}

task<Result<void>> Deliverer::attempt_and_note(Place place) {
  const auto table = sns_.deliveries(place.scope);
  auto row = table.get(place.id);
  if (!row) co_return Result<void>();
  DeliveryRecord delivery = row->value;
  const auto message = sns_.messages(place.scope).get(place.id.substr(0, place.id.find('/')));
  const TopicName topic{place.scope, delivery.topic};
  const auto held = sns_.topics(place.scope).get(delivery.topic);
  const auto subscription =
      sns_.subscriptions(place.scope).get(delivery.topic + "/" + delivery.subscription);
  // Whoever has left in the meantime is not told any more, except of having left.
  if (!message || !held || (!subscription && message->value.type != "UnsubscribeConfirmation"))
    co_return co_await finish(place);
  const Outcome outcome = co_await attempt(topic, held->value, message->value, delivery);
  if (outcome.status != 0) {
    silent_.erase(delivery.endpoint);
  } else {
    silent_.insert(delivery.endpoint);
  }
  if (outcome.delivered) {
    LF_CO_OK(co_await finish(place));
    co_await log_status(topic, held->value, message->value, delivery, outcome);
    co_return Result<void>();
  }
  ++delivery.attempts;
  const RetryPolicy policy = retry_policy(held->value.delivery_policy,
                                          subscription ? subscription->value.delivery_policy : "");
  const auto delay =
      outcome.hopeless ? std::optional<Millis>() : retry_delay(policy, delivery.attempts);
  if (!delay) {
    log::info("sns", "{} to {}: given up after {} attempts: {}", message->value.id,
              delivery.endpoint, delivery.attempts, outcome.answer.substr(0, 200));
    LF_CO_OK(co_await finish(place));
    co_await log_status(topic, held->value, message->value, delivery, outcome);
    co_return Result<void>();
  }
  delivery.next = sns_.clock.now() + *delay;
  LF_CO_OK(co_await sns_.store.commit(
      {{table.unchanged(place.id, row->revision)}, {table.put(place.id, delivery)}}));
  waiting_[place] = {delivery.next, delivery.endpoint};
  co_return Result<void>();
}

// The delivery goes; with the last one, the message.
task<Result<void>> Deliverer::finish(const Place& place) {
  const auto table = sns_.deliveries(place.scope);
  const std::string message = place.id.substr(0, place.id.find('/'));
  store::Transaction done{{}, {table.remove(place.id)}};
  const auto left = table.list(message + "/", {}, 2);
  if (left.empty() || (left.size() == 1 && left[0].id == place.id))
    done.operations.push_back(sns_.messages(place.scope).remove(message));
  LF_CO_OK(co_await sns_.store.commit(std::move(done)));
  co_return Result<void>();
}

task<Deliverer::Outcome> Deliverer::attempt(const TopicName& topic, const TopicRecord& record,
                                            const MessageRecord& message,
                                            const DeliveryRecord& delivery) {
  std::string body;
  if (delivery.raw && message.type == "Notification") {
    body = text_for(message, delivery.protocol);
  } else {
    const auto key = co_await sns_.signing_key();
    auto signed_body = key ? notification(sns_, topic, record, message, delivery, *key)
                           : Result<std::string>(std::unexpected(key.error()));
    if (!signed_body) co_return Outcome{.answer = signed_body.error().message};
    body = std::move(*signed_body);
  }
  if (delivery.protocol == "cloudwatch-logs")
    co_return co_await append(delivery, topic.name, std::move(body));
  co_return co_await post(topic, record, message, delivery, std::move(body));
}

task<Deliverer::Outcome> Deliverer::post(const TopicName& topic, const TopicRecord& record,
                                         const MessageRecord& message,
                                         const DeliveryRecord& delivery, std::string body) {
  const auto subscription =
      sns_.subscriptions(topic.scope).get(delivery.topic + "/" + delivery.subscription);
  const RetryPolicy policy =
      retry_policy(record.delivery_policy, subscription ? subscription->value.delivery_policy : "");
  http::Headers headers;
  headers.add("Content-Type", policy.content_type);
  headers.add("User-Agent", "Amazon Simple Notification Service Agent");
  headers.add("x-amz-sns-message-type", message.type);
  headers.add("x-amz-sns-message-id", message.id);
  headers.add("x-amz-sns-topic-arn", topic.arn());
  if (message.type != "SubscriptionConfirmation")
    headers.add("x-amz-sns-subscription-arn", topic.arn() + ":" + delivery.subscription);
  if (delivery.raw && message.type == "Notification") headers.add("x-amz-sns-rawdelivery", "true");
  const auto started = std::chrono::steady_clock::now();
  auto answer = co_await http::request(
      loop_, "POST", delivery.endpoint, std::move(headers), std::move(body),
      {.timeout = kAnswerWithin, .body_limit = 64 << 10, .ca_file = sns_.ca_file});
  Outcome out;
  out.dwell_ms =
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - started).count();
  if (!answer) {
    out.answer = answer.error().message;
    co_return out;
  }
  out.status = answer->status;
  out.answer = answer->body.substr(0, 1024);
  out.delivered = answer->status >= 200 && answer->status < 300;
  out.hopeless = hopeless(answer->status);
  co_return out;
}

task<Deliverer::Outcome> Deliverer::append(const DeliveryRecord& delivery, std::string topic,
                                           std::string body) {
  const auto group = log_group_of(delivery.endpoint);
  if (!group) co_return Outcome{.hopeless = true, .answer = "the endpoint is no log group"};
  const auto started = std::chrono::steady_clock::now();
  logs::Append lines{.scope = group->scope,
                     .group = group->name,
                     .stream = fmt::format("sns/{}", topic),
                     .lines = {{sns_.clock.now(), std::move(body)}}};
  auto done = co_await sns_.logs.append(std::move(lines));
  Outcome out{.delivered = done.has_value(),
              .status = done ? 200 : 0,
              .answer = done ? "" : done.error().message};
  out.dwell_ms =
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - started).count();
  co_return out;
}

// "sns/REGION/ACCOUNT/TOPIC", and beside it ".../Failure".
// https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html
task<void> Deliverer::log_status(TopicName topic, TopicRecord record, MessageRecord message,
                                 DeliveryRecord delivery, Outcome outcome) {
  if (delivery.protocol == "cloudwatch-logs") co_return;
  const auto setting = [&](const char* name) {
    const auto found = record.feedback.find(name);
    return found == record.feedback.end() ? std::string() : found->second;
  };
  const std::string role =
      setting(outcome.delivered ? "HTTPSuccessFeedbackRoleArn" : "HTTPFailureFeedbackRoleArn");
  if (role.empty()) co_return;
  if (outcome.delivered) {
    const std::string rate = setting("HTTPSuccessFeedbackSampleRate");
    const std::uint64_t percent = rate.empty() ? 100 : std::uint64_t(std::atoi(rate.c_str()));
    if (sns_.random.below(100) >= percent) co_return;
  }
  const std::string group = fmt::format("sns/{}/{}/{}{}", topic.scope.region, topic.scope.account,
                                        topic.name, outcome.delivered ? "" : "/Failure");
  const auto allowed = sns_.iam.authorize_role(
      role, "sns",
      {.action = "logs:PutLogEvents",
       .resource = fmt::format("arn:aws:logs:{}:{}:log-group:{}:log-stream:", topic.scope.region,
                               topic.scope.account, group)});
  if (!allowed) {
    log::info("sns", "delivery status of {}: {}", topic.name, allowed.error().message);
    co_return;
  }
  json::object line{
      {"notification", json::object{{"messageId", message.id},
                                    {"topicArn", topic.arn()},
                                    {"timestamp", format_iso8601(message.published, true)}}},
      {"delivery", json::object{{"deliveryId", delivery.subscription},
                                {"destination", delivery.endpoint},
                                {"providerResponse", outcome.answer},
                                {"dwellTimeMs", outcome.dwell_ms},
                                {"attempts", delivery.attempts + (outcome.delivered ? 1 : 0)},
                                {"statusCode", outcome.status}}},
      {"status", outcome.delivered ? "SUCCESS" : "FAILURE"}};
  logs::Append lines{.scope = topic.scope,
                     .group = group,
                     .stream = format_iso8601(sns_.clock.now()).substr(0, 10),
                     .lines = {{sns_.clock.now(), json::serialize(line)}},
                     .create_group = true};
  if (auto done = co_await sns_.logs.append(std::move(lines)); !done)
    log::info("sns", "delivery status of {}: {}", topic.name, done.error().message);
}

}  // namespace landfall::sns
