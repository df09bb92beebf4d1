#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

constexpr std::int32_t kMostAPage = 1000;

// In order of the pages: the latest first.
std::string place_of(const QueryRecord& query) {
  return fmt::format("{:020} {}", to_unix_ms(query.created_at), query.id);
}

QueryInfo describe(const QueryRecord& query) {
  QueryInfo out;
  out.query_language = "CWLI";
  out.query_id = query.id;
  out.query_string = query.text;
  out.status = query.status;
  out.create_time = to_unix_ms(query.created_at);
  std::vector<std::string> names;
  for (const QueriedGroup& group : query.groups) names.push_back(group.name);
  out.log_group_name = fmt::format("{}", fmt::join(names, ","));
  out.bytes_scanned = static_cast<double>(query.bytes);
  if (query.ended()) out.query_duration = (query.ended_at - query.created_at).count();
  return out;
}

}  // namespace

task<Result<DescribeQueriesResponse>> describe_queries(Logs& logs, const RequestContext& ctx,
                                                       DescribeQueriesRequest in) {
  DescribeQueriesResponse out;
  if (in.query_language.value_or("CWLI") != "CWLI") co_return out;
  auto before = store::read_page_token("queries", in.next_token);
  if (!before) co_return errors::invalid_parameter("The specified nextToken is invalid.");
  auto found = logs.queries.list(ctx.scope);
  std::erase_if(found, [&](const QueryRecord& query) {
    const bool of_group = !in.log_group_name ||
                          std::any_of(query.groups.begin(), query.groups.end(),
                                      [&](const auto& g) { return g.name == *in.log_group_name; });
    return !of_group || query.status != in.status.value_or(query.status) ||
           (!before->empty() && place_of(query) >= *before);
  });
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return place_of(a) > place_of(b); });
  out.next_token = store::cut_page(
      found, static_cast<std::size_t>(in.max_results.value_or(kMostAPage)), place_of, "queries");
  for (const QueryRecord& query : found) out.queries.push_back(describe(query));
  co_return out;
}

}  // namespace landfall::logs
