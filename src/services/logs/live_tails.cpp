#include "services/logs/live_tails.h"

#include "wire/event_stream.h"

namespace landfall::logs {

namespace {

constexpr std::size_t kMostSessions = 15;
constexpr std::size_t kMostEvents = 500;  // of an update
constexpr std::size_t kMostBytes = 4 << 20;
constexpr Millis kEvery = std::chrono::seconds(1);
constexpr Millis kLongest = std::chrono::hours(3);

json::array strings(const auto& texts) {
  json::array out;
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace

bool TailFilter::wants(std::int64_t group, std::string_view stream) const {
  if (!groups.contains(group)) return false;
  if (streams.empty() && prefixes.empty()) return true;
  return std::ranges::find(streams, stream) != streams.end() ||
         std::ranges::any_of(prefixes,
                             [&](const std::string& prefix) { return stream.starts_with(prefix); });
}

LiveTail::LiveTail(io::Loop& loop, const Clock& clock, Scope owner, std::string id,
                   TailFilter filter)
    : loop_(loop),
      clock_(clock),
      owner_(std::move(owner)),
      id_(std::move(id)),
      filter_(std::make_shared<const TailFilter>(std::move(filter))),
      ends_(clock.now() + kLongest) {}

void LiveTail::add(std::vector<TailedEvent> events) {
  for (TailedEvent& event : events) {
    if (waiting_.size() == kMostEvents || waiting_bytes_ + event.message.size() > kMostBytes) {
      sampled_ = true;
      return;
    }
    waiting_bytes_ += event.message.size();
    waiting_.push_back(std::move(event));
  }
}

task<std::optional<std::string>> LiveTail::next() {
  if (stage_ == Stage::ended) co_return std::nullopt;
  if (stage_ == Stage::begin) {
    stage_ = Stage::running;
    co_return start_messages();
  }
  co_await loop_.sleep_for(kEvery);
  if (clock_.now() < ends_) co_return update_message();
  stage_ = Stage::ended;
  co_return wire::encode_exception(
      "SessionTimeoutException",
      json::serialize(json::object{{"message", "The session has lasted three hours."}}));
}

std::string LiveTail::start_messages() const {
  json::array groups;
  for (const auto& [group, arn] : filter_->groups) groups.emplace_back(arn);
  const json::object start{{"requestId", id_},
                           {"sessionId", id_},
                           {"logGroupIdentifiers", std::move(groups)},
                           {"logStreamNames", strings(filter_->streams)},
                           {"logStreamNamePrefixes", strings(filter_->prefixes)},
                           {"logEventFilterPattern", filter_->pattern_text}};
  return wire::encode_event("initial-response", "{}") +
         wire::encode_event("sessionStart", json::serialize(start));
}

std::string LiveTail::update_message() {
  json::array results;
  for (TailedEvent& event : waiting_) {
    results.push_back(json::object{{"logStreamName", std::move(event.stream)},
                                   {"logGroupIdentifier", std::move(event.group_arn)},
                                   {"message", std::move(event.message)},
                                   {"timestamp", event.time_ms},
                                   {"ingestionTime", event.ingestion_ms}});
  }
  const json::object update{{"sessionMetadata", json::object{{"sampled", sampled_}}},
                            {"sessionResults", std::move(results)}};
  waiting_.clear();
  waiting_bytes_ = 0;
  sampled_ = false;
  return wire::encode_event("sessionUpdate", json::serialize(update));
}

void LiveTails::forget_ended() {
  std::erase_if(sessions_, [](const auto& session) { return session.expired(); });
}

Result<void> LiveTails::open(const Scope& owner, const std::string& id, TailFilter filter) {
  forget_ended();
  const auto open = std::ranges::count_if(sessions_, [&](const auto& held) {
    const auto session = held.lock();
    return session && session->owner() == owner;
  });
  if (static_cast<std::size_t>(open) >= kMostSessions) {
    return fail("too-many-sessions",
                fmt::format("There are {} live tail sessions already.", kMostSessions));
  }
  auto session = std::make_shared<LiveTail>(loop_, clock_, owner, id, std::move(filter));
  sessions_.push_back(session);
  opened_.insert_or_assign(id, std::move(session));
  return {};
}

std::shared_ptr<LiveTail> LiveTails::take(const std::string& id) {
  auto node = opened_.extract(id);
  return node ? std::move(node.mapped()) : nullptr;
}

std::vector<std::shared_ptr<LiveTail>> LiveTails::following(std::int64_t group,
                                                            std::string_view stream) {
  std::vector<std::shared_ptr<LiveTail>> out;
  for (const auto& held : sessions_) {
    auto session = held.lock();
    if (session && session->filter()->wants(group, stream)) out.push_back(std::move(session));
  }
  return out;
}

}  // namespace landfall::logs
