// operations: GetQueryResults, StopQuery
#include <charconv>

#include "services/logs/insights/plan.h"
#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

std::unexpected<Error> no_query() {
  return errors::resource_not_found("The specified query does not exist.");
}

QueryStatistics statistics_of(const QueryRecord& query) {
  QueryStatistics out;
  out.records_matched = static_cast<double>(query.matched);
  out.records_scanned = static_cast<double>(query.scanned);
  out.bytes_scanned = static_cast<double>(query.bytes);
  out.estimated_records_skipped = 0;
  out.estimated_bytes_skipped = 0;
  out.log_groups_scanned = static_cast<double>(query.groups.size());
  return out;
}

}  // namespace

// While a query runs there are figures, and no results yet. Fields that an event does not have are
// left out of its row, as on AWS.
task<Result<GetQueryResultsResponse>> get_query_results(Logs& logs, const RequestContext& ctx,
                                                        GetQueryResultsRequest in) {
  const auto query = logs.queries.find(ctx.scope, in.query_id);
  if (!query) co_return no_query();
  GetQueryResultsResponse out;
  out.query_language = "CWLI";
  out.status = query->status;
  out.statistics = statistics_of(*query);
  if (query->status != "Complete") co_return out;
  const std::string list = "query-results " + in.query_id;
  auto after = store::read_page_token(list, in.next_token);
  if (!after) co_return errors::invalid_parameter("The specified nextToken is invalid.");
  std::size_t first = 0;
  std::from_chars(after->data(), after->data() + after->size(), first);
  auto table = co_await logs.queries.results(in.query_id);
  if (!table) co_return no_query();
  const std::size_t end =
      std::min(table->rows.size(),
               first + static_cast<std::size_t>(in.max_items.value_or(insights::kMostRows)));
  for (std::size_t i = first; i < end; ++i) {
    auto& row = out.results.emplace_back();
    for (std::size_t column = 0; column < table->rows[i].size(); ++column) {
      auto& value = table->rows[i][column];
      if (!value) continue;
      ResultField field;
      field.field = table->columns[column];
      field.value = std::move(*value);
      row.push_back(std::move(field));
    }
  }
  if (end < table->rows.size()) out.next_token = store::make_page_token(list, std::to_string(end));
  co_return out;
}

task<Result<StopQueryResponse>> stop_query(Logs& logs, const RequestContext& ctx,
                                           StopQueryRequest in) {
  auto stopped = co_await logs.queries.cancel(ctx.scope, in.query_id);
  if (!stopped && stopped.error().code == "not-found") co_return no_query();
  if (!stopped && stopped.error().code == "ended") {
    co_return errors::invalid_parameter(fmt::format("Query {} has already ended with status {}",
                                                    in.query_id, stopped.error().message));
  }
  if (!stopped) co_return std::unexpected(to_api(stopped.error()));
  StopQueryResponse out;
  out.success = true;
  co_return out;
}

}  // namespace landfall::logs
