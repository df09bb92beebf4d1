#include "services/logs/insights/row.h"
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

constexpr std::int64_t kBackMs = 15 * 60'000;
constexpr std::int64_t kAroundMs = 8 * 60'000;
// Percentages are of so many events at most.
constexpr std::size_t kMostEvents = 5000;
constexpr std::size_t kMostFields = 1000;

struct Sample {
  std::size_t events = 0;
  std::map<std::string, std::size_t, std::less<>> fields;  // how many events have it
};

Sample sample_of(const Page& page) {
  Sample sample;
  for (const Found& event : page.events) {
    ++sample.events;
    std::set<std::string, std::less<>> seen;
    insights::discover_fields(event.message, [&](std::string_view name, const insights::Value&) {
      if (seen.size() < kMostFields) seen.emplace(name);
    });
    for (const std::string& name : seen) {
      const auto known = sample.fields.find(name);
      if (known != sample.fields.end()) {
        ++known->second;
      } else if (sample.fields.size() < kMostFields) {
        sample.fields.emplace(name, 1);
      }
    }
  }
  return sample;
}

}  // namespace

// Without a time: the last 15 minutes; with one: 8 minutes before and after it.
task<Result<GetLogGroupFieldsResponse>> get_log_group_fields(Logs& logs, const RequestContext& ctx,
                                                             GetLogGroupFieldsRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name, in.log_group_identifier));
  const std::int64_t now_ms = to_unix_ms(ctx.now);
  Query query;
  query.group = group.value.id;
  query.from_ms = in.time ? *in.time * 1000 - kAroundMs : now_ms - kBackMs;
  query.to_ms = in.time ? *in.time * 1000 + kAroundMs : query.to_ms;
  query.from_ms =
      std::max({query.from_ms, retention_cutoff_ms(group.value, ctx.now), std::int64_t{0}});
  query.limit = kMostEvents;
  query.byte_limit = 16 << 20;
  auto page = co_await logs.engine.search(std::move(query));
  if (!page) co_return std::unexpected(to_api(page.error()));
  const Sample sample = sample_of(*page);
  GetLogGroupFieldsResponse out;
  const auto add = [&](std::string_view name, std::size_t count) {
    LogGroupField field;
    field.name = name;
    field.percent = static_cast<std::int32_t>(count * 100 / sample.events);
    out.log_group_fields.push_back(std::move(field));
  };
  if (sample.events == 0) co_return out;
  for (const char* automatic : {"@ingestionTime", "@log", "@logStream", "@message", "@timestamp"}) {
    add(automatic, sample.events);
  }
  for (const auto& [name, count] : sample.fields) add(name, count);
  co_return out;
}

}  // namespace landfall::logs
