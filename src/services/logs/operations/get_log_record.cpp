#include "services/logs/insights/row.h"
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

std::unexpected<Error> no_record() {
  return errors::resource_not_found("The specified log record does not exist.");
}

}  // namespace

// One event with all its fields, by the @ptr of a query's results. Times are in milliseconds.
task<Result<GetLogRecordResponse>> get_log_record(Logs& logs, const RequestContext& ctx,
                                                  GetLogRecordRequest in) {
  insights::Event at;
  if (!insights::Event::parse_pointer(in.log_record_pointer, at)) {
    co_return errors::invalid_parameter("The specified log record pointer is invalid.");
  }
  std::optional<GroupRow> group;
  for (GroupRow& row : logs.groups(ctx.scope).list()) {
    if (row.value.id == at.group) group = std::move(row);
  }
  if (!group || at.position.time_ms < retention_cutoff_ms(group->value, ctx.now)) {
    co_return no_record();
  }
  Query query;
  query.group = at.group;
  for (const auto& [name, stream] : logs.engine.streams(at.group)) {
    if (stream.id == at.stream) query.streams = {name};
  }
  if (query.streams.empty()) co_return no_record();
  query.from_ms = at.position.time_ms;
  query.to_ms = at.position.time_ms + 1;
  query.after = at.position.before();
  query.limit = 1;
  auto page = co_await logs.engine.search(std::move(query));
  if (!page) co_return std::unexpected(to_api(page.error()));
  if (page->events.empty() || page->events.front().position != at.position) co_return no_record();
  Found& event = page->events.front();
  GetLogRecordResponse out;
  insights::discover_fields(event.message,
                            [&](std::string_view name, const insights::Value& value) {
                              out.log_record[std::string(name)] = insights::to_text(value);
                            });
  out.log_record["@timestamp"] = std::to_string(event.position.time_ms);
  out.log_record["@ingestionTime"] = std::to_string(event.ingestion_ms);
  out.log_record["@log"] = fmt::format("{}:{}", ctx.scope.account, group->value.name);
  out.log_record["@logStream"] = event.stream;
  out.log_record["@ptr"] = in.log_record_pointer;
  out.log_record["@message"] = std::move(event.message);
  co_return out;
}

}  // namespace landfall::logs
