#include "services/logs/incoming.h"

#include "base/log.h"
#include "services/logs/live_tails.h"
#include "services/logs/metric_filters.h"
#include "services/logs/regex/regex.h"

namespace landfall::logs {

namespace {

// More than an update of a live tail may hold.
constexpr std::size_t kMostMatches = 501;

struct Seen {
  std::vector<cloudwatch::Sample> samples;
  std::vector<std::vector<TailedEvent>> tailed;  // for each of the filters
};

// An event that a regular expression takes too long on counts as one that does not match.
bool matches(const TailFilter& filter, std::string_view message) {
  try {
    return !filter.pattern || filter.pattern->matches(message);
  } catch (const Regex::TooComplex&) {
    return false;
  }
}

}  // namespace

bool is_watched(Logs& logs, const GroupRecord& group, std::string_view stream) {
  return (logs.metrics != nullptr && !group.metric_filters.empty()) ||
         !logs.tails.following(group.id, stream).empty();
}

task<void> watch_events(Logs& logs, Scope scope, GroupRecord group, std::string stream,
                        std::vector<LogEvent> events) {
  if (events.empty()) co_return;
  const auto tails = logs.tails.following(group.id, stream);
  std::vector<std::shared_ptr<const TailFilter>> filters;
  for (const auto& tail : tails) filters.push_back(tail->filter());
  if (!logs.metrics) group.metric_filters.clear();
  if (filters.empty() && group.metric_filters.empty()) co_return;
  const std::int64_t now_ms = to_unix_ms(logs.clock.now());
  auto seen = co_await logs.loop.run_blocking([filters, now_ms, group, stream,
                                               events = std::move(events)] {
    Seen out;
    out.samples = samples_of(group.metric_filters, events);
    for (const auto& filter : filters) {
      auto& kept = out.tailed.emplace_back();
      for (const LogEvent& event : events) {
        if (kept.size() == kMostMatches) break;
        if (!matches(*filter, event.message)) continue;
        kept.push_back({filter->groups.at(group.id), stream, event.time_ms, now_ms, event.message});
      }
    }
    return out;
  });
  for (std::size_t i = 0; i < tails.size(); ++i) tails[i]->add(std::move(seen.tailed[i]));
  if (seen.samples.empty()) co_return;
  if (auto done = co_await logs.metrics->put(scope, std::move(seen.samples)); !done) {
    log::warning("logs", "metrics of {} are lost: {}", group.name, done.error().message);
  }
}

}  // namespace landfall::logs
