#include "services/logs/insights/plan.h"
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

constexpr std::size_t kMostGroups = 50;
// Times are in seconds; what lies this far ahead was given in milliseconds, which AWS takes, too.
constexpr std::int64_t kMilliseconds = 100'000'000'000;

std::int64_t to_ms(std::int64_t time) { return time < kMilliseconds ? time * 1000 : time; }

Result<std::vector<GroupRow>> find_groups(const Logs& logs, const Scope& scope,
                                          const StartQueryRequest& in) {
  const int ways = in.log_group_name.has_value() + !in.log_group_names.empty() +
                   !in.log_group_identifiers.empty();
  if (ways != 1) {
    return errors::invalid_parameter(
        "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.");
  }
  std::vector<std::string> names(in.log_group_names.begin(), in.log_group_names.end());
  if (in.log_group_name) names.push_back(*in.log_group_name);
  if (names.size() > kMostGroups || in.log_group_identifiers.size() > kMostGroups) {
    return errors::invalid_parameter(
        fmt::format("A query is of at most {} log groups.", kMostGroups));
  }
  std::vector<GroupRow> groups;
  const auto add = [&groups](GroupRow group) {
    for (const GroupRow& one : groups) {
      if (one.id == group.id) return;
    }
    groups.push_back(std::move(group));
  };
  for (const std::string& name : names) {
    LF_TRY(group, find_group(logs, scope, name));
    add(std::move(group));
  }
  for (const std::string& identifier : in.log_group_identifiers) {
    LF_TRY(group, find_group(logs, scope, std::nullopt, identifier));
    add(std::move(group));
  }
  return groups;
}

}  // namespace

// What is wrong with the query is said here; what runs, runs by itself.
task<Result<StartQueryResponse>> start_query(Logs& logs, const RequestContext& ctx,
                                             StartQueryRequest in) {
  if (in.query_language.value_or("CWLI") != "CWLI") {
    co_return errors::invalid_parameter("Only the query language CWLI is supported.");
  }
  if (in.start_time > in.end_time) {
    co_return errors::invalid_parameter("The start time must not be after the end time.");
  }
  LF_CO_TRY(groups, find_groups(logs, ctx.scope, in));
  QueryRecord query;
  query.limit = static_cast<std::size_t>(in.limit.value_or(insights::kMostRows));
  LF_CO_OK(insights::Plan::make(in.query_string, {query.limit, to_unix_ms(ctx.now)}));
  query.id = logs.random.uuid();
  query.account = ctx.scope.account;
  query.text = in.query_string;
  query.created_at = ctx.now;
  // Both ends are inclusive, the last one with the whole of its second.
  query.to_ms = in.end_time < kMilliseconds ? to_ms(in.end_time) + 1000 : in.end_time + 1;
  for (const GroupRow& group : groups) {
    query.groups.push_back(
        {group.value.id, group.value.name,
         std::max(to_ms(in.start_time), retention_cutoff_ms(group.value, ctx.now))});
  }
  StartQueryResponse out;
  out.query_id = query.id;
  auto submitted = co_await logs.queries.submit(ctx.scope, std::move(query));
  if (!submitted && submitted.error().code == "too-many-queries") {
    co_return errors::limit_exceeded(
        "The account has as many queries running and scheduled as it may have.");
  }
  if (!submitted) co_return std::unexpected(to_api(submitted.error()));
  co_return out;
}

}  // namespace landfall::logs
