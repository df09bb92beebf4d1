// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/operations.h"

namespace landfall::rds {

task<Result<DescribeEventsResponse>> describe_events(Rds& rds, const RequestContext& ctx,
                                                     DescribeEventsRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  if (in.source_identifier && !in.source_type) {
    co_return fail("InvalidParameterCombination",
                   "SourceType must be given with SourceIdentifier.");
  }
  // An hour back unless said otherwise; AWS keeps 14 days.
  const TimePoint end = in.end_time.value_or(ctx.now);
  const TimePoint begin =
      in.start_time.value_or(end - std::chrono::minutes(in.duration.value_or(60)));

  struct Source {
    std::string identifier, type, arn;
  };
  std::vector<Source> sources;
  const Tables tables = rds.tables(ctx.scope);
  for (const auto& row : tables.instances.list()) {
    sources.push_back({row.value.identifier, "db-instance", row.value.arn()});
  }
  for (const auto& row : tables.snapshots.list()) {
    sources.push_back({row.value.identifier, "db-snapshot", row.value.arn()});
  }
  std::vector<Event> found;
  for (const Source& source : sources) {
    if (in.source_type && *in.source_type != source.type) continue;
    if (in.source_identifier && *in.source_identifier != source.identifier) continue;
    for (const reconcile::ResourceEvent& happened : rds.events.list(source.arn)) {
      if (happened.time < begin || happened.time > end) continue;
      if (!in.event_categories.empty() &&
          std::ranges::find(in.event_categories, happened.reason) == in.event_categories.end()) {
        continue;
      }
      Event event;
      event.source_identifier = source.identifier;
      event.source_type = source.type;
      event.source_arn = source.arn;
      event.message = happened.message;
      event.event_categories = {happened.reason};
      event.date = happened.time;
      found.push_back(std::move(event));
    }
  }
  // Times repeat, so the marker counts.
  std::ranges::sort(found, {}, [](const Event& event) {
    return std::tuple(*event.date, *event.source_arn, *event.message);
  });
  std::size_t first = 0;
  std::from_chars(page.after.data(), page.after.data() + page.after.size(), first);
  DescribeEventsResponse out;
  for (std::size_t i = first; i < found.size(); ++i) {
    if (out.events.size() == page.limit) {
      out.marker = std::to_string(i);
      break;
    }
    out.events.push_back(std::move(found[i]));
  }
  co_return out;
}

}  // namespace landfall::rds
