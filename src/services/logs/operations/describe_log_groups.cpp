// operations: DescribeLogGroups, ListLogGroups
#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

constexpr std::int32_t kMostAPage = 50;

LogGroup describe(const Logs& logs, const Scope& scope, const GroupRecord& group) {
  LogGroup out;
  const std::string arn = group_arn(scope, group.name);
  out.log_group_name = group.name;
  out.creation_time = to_unix_ms(group.created_at);
  if (group.retention_days != 0) out.retention_in_days = group.retention_days;
  out.metric_filter_count = std::int32_t(group.metric_filters.size());
  out.arn = arn + ":*";
  out.log_group_arn = arn;
  out.log_group_class = "STANDARD";
  std::int64_t bytes = 0;
  for (const auto& [name, stream] : logs.engine.streams(group.id)) bytes += stream.bytes;
  out.stored_bytes = bytes;
  return out;
}

// "^a|b": names that begin with a or contain b.
bool matches_any(std::string_view pattern, std::string_view name) {
  while (true) {
    const auto end = std::min(pattern.find('|'), pattern.size());
    std::string_view one = pattern.substr(0, end);
    if (one.starts_with('^') ? name.starts_with(one.substr(1))
                             : name.find(one) != std::string_view::npos) {
      return true;
    }
    if (end == pattern.size()) return false;
    pattern.remove_prefix(end + 1);
  }
}

bool has_tags(const GroupRecord& group, const wire::List<TagFilter>& filters) {
  return std::all_of(filters.begin(), filters.end(), [&](const TagFilter& filter) {
    const auto found = group.tags.find(filter.key);
    return found != group.tags.end() &&
           (filter.values.empty() || std::find(filter.values.begin(), filter.values.end(),
                                               found->second) != filter.values.end());
  });
}

bool other_account(const wire::List<std::string>& accounts, const Scope& scope) {
  return !accounts.empty() &&
         std::find(accounts.begin(), accounts.end(), scope.account) == accounts.end();
}

}  // namespace

task<Result<DescribeLogGroupsResponse>> describe_log_groups(Logs& logs, const RequestContext& ctx,
                                                            DescribeLogGroupsRequest in) {
  if (in.log_group_name_prefix && in.log_group_name_pattern) {
    co_return errors::invalid_parameter(
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  }
  DescribeLogGroupsResponse out;
  if (other_account(in.account_identifiers, ctx.scope) ||
      in.log_group_class.value_or("STANDARD") != "STANDARD") {
    co_return out;
  }
  std::vector<GroupRow> found;
  if (!in.log_group_identifiers.empty()) {
    for (const std::string& identifier : in.log_group_identifiers) {
      LF_CO_TRY(group, find_group(logs, ctx.scope, std::nullopt, identifier));
      found.push_back(std::move(group));
    }
  } else {
    auto after = store::read_page_token("log-groups", in.next_token);
    if (!after) co_return errors::invalid_parameter(after.error().message);
    found = logs.groups(ctx.scope).list(in.log_group_name_prefix.value_or(""), *after);
  }
  if (in.log_group_name_pattern) {
    std::erase_if(found, [&](const GroupRow& group) {
      return group.value.name.find(*in.log_group_name_pattern) == std::string::npos;
    });
  }
  out.next_token = store::cut_page(
      found, static_cast<std::size_t>(in.limit.value_or(kMostAPage)),
      [](const GroupRow& group) { return group.id; }, "log-groups");
  for (const GroupRow& group : found) {
    out.log_groups.push_back(describe(logs, ctx.scope, group.value));
  }
  co_return out;
}

task<Result<ListLogGroupsResponse>> list_log_groups(Logs& logs, const RequestContext& ctx,
                                                    ListLogGroupsRequest in) {
  if (!in.data_sources.empty() || !in.field_index_names.empty()) {
    co_return errors::invalid_parameter("dataSources and fieldIndexNames are not supported.");
  }
  ListLogGroupsResponse out;
  if (other_account(in.account_identifiers, ctx.scope) ||
      in.log_group_class.value_or("STANDARD") != "STANDARD") {
    co_return out;
  }
  auto after = store::read_page_token("log-groups", in.next_token);
  if (!after) co_return errors::invalid_parameter(after.error().message);
  auto found = logs.groups(ctx.scope).list({}, *after);
  std::erase_if(found, [&](const GroupRow& group) {
    return (in.log_group_name_pattern &&
            !matches_any(*in.log_group_name_pattern, group.value.name)) ||
           !has_tags(group.value, in.log_group_tags);
  });
  out.next_token = store::cut_page(
      found, static_cast<std::size_t>(in.limit.value_or(kMostAPage)),
      [](const GroupRow& group) { return group.id; }, "log-groups");
  for (const GroupRow& group : found) {
    LogGroupSummary summary;
    summary.log_group_name = group.value.name;
    summary.log_group_arn = group_arn(ctx.scope, group.value.name);
    summary.log_group_class = "STANDARD";
    out.log_groups.push_back(std::move(summary));
  }
  co_return out;
}

}  // namespace landfall::logs
