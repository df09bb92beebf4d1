#include "reconcile/events.h"

#include "base/bytes.h"
#include "base/check.h"

namespace landfall::reconcile {

namespace {
constexpr Millis kSameEvent = std::chrono::hours(1);

std::string prefix_of(const std::string& resource) {
  return fmt::format("/events/{}/", percent_encode(resource));
}
}  // namespace

std::vector<store::Operation> EventLog::operations(const std::string& resource,
                                                   ResourceEvent event) {
  const TimePoint now = clock_.now();
  const std::string prefix = prefix_of(resource);
  const auto kept = store_.range(prefix);
  std::vector<store::Operation> operations;
  if (!kept.empty()) {
    auto latest = record::from_text<ResourceEvent>(kept.back().value);
    if (latest && latest->reason == event.reason && latest->message == event.message &&
        now - latest->last < kSameEvent) {
      ++latest->count;
      latest->last = now;
      operations.push_back(store::Put{kept.back().key, record::to_text(*latest)});
      return operations;
    }
  }
  event.id = random_.uuid();
  event.time = event.last = now;
  event.count = 1;
  // The keys keep the order also when the clock is set back and for several events of one
  // millisecond.
  std::int64_t at = to_unix_ms(now);
  if (!kept.empty()) {
    std::int64_t newest = 0;
    const std::string_view id = std::string_view(kept.back().key).substr(prefix.size());
    std::from_chars(id.data(), id.data() + id.size(), newest);
    at = std::max(at, newest);
  }
  operations.push_back(
      store::Put{fmt::format("{}{:015}-{:010}", prefix, at, sequence_++), record::to_text(event)});
  for (std::size_t i = 0; i + kMostEvents <= kept.size(); ++i) {
    operations.push_back(store::Delete{kept[i].key});
  }
  return operations;
}

task<Result<void>> EventLog::record(std::string resource, ResourceEvent event) {
  LF_CO_TRY(done, co_await store_.commit({{}, operations(resource, std::move(event))}));
  CHECK(done.succeeded);
  co_return Result<void>();
}

std::vector<ResourceEvent> EventLog::list(const std::string& resource) const {
  std::vector<ResourceEvent> events;
  for (const store::KeyValue& kv : store_.range(prefix_of(resource))) {
    if (auto event = record::from_text<ResourceEvent>(kv.value))
      events.push_back(std::move(*event));
  }
  return events;
}

store::DeletePrefix EventLog::forget(const std::string& resource) const {
  return store::DeletePrefix{prefix_of(resource)};
}

}  // namespace landfall::reconcile
