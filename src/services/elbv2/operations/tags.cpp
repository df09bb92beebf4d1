// operations: AddTags, RemoveTags, DescribeTags
#include "services/elbv2/find.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

using Edit = std::function<Result<void>(Tags&)>;

// Edits the tags of whatever the ARN names and adds the write to `transaction`.
Result<void> edit_tags(const Tables& tables, const Scope& scope, const std::string& arn,
                       const Edit& edit, store::Transaction& transaction) {
  const auto parsed = Arn::parse(arn);
  const std::string resource = parsed ? parsed->resource : "";
  const auto put = [&](auto& table, auto& row, Tags& tags) -> Result<void> {
    LF_OK(edit(tags));
    transaction.operations.push_back(table.put(row.id, row.value));
    return {};
  };
  if (resource.starts_with("loadbalancer/")) {
    LF_TRY(row, find_load_balancer(tables, scope, arn));
    return put(tables.load_balancers, row, row.value.tags);
  }
  if (resource.starts_with("targetgroup/")) {
    LF_TRY(row, find_target_group(tables, scope, arn));
    return put(tables.target_groups, row, row.value.tags);
  }
  if (resource.starts_with("truststore/")) {
    LF_TRY(row, find_trust_store(tables, scope, arn));
    return put(tables.trust_stores, row, row.value.tags);
  }
  if (resource.starts_with("listener/")) {
    LF_TRY(row, find_listener(tables, scope, arn));
    return put(tables.listeners, row, row.value.tags);
  }
  if (resource.starts_with("listener-rule/")) {
    LF_TRY(found, find_rule(tables, scope, arn));
    if (found.rule) return put(tables.rules, *found.rule, found.rule->value.tags);
    return put(tables.listeners, found.listener, found.listener.value.default_rule_tags);
  }
  return fail("ValidationError", fmt::format("'{}' is not a valid ARN", arn));
}

}  // namespace

task<Result<AddTagsResponse>> add_tags(Elbv2& elbv2, const RequestContext& ctx, AddTagsRequest in) {
  LF_CO_TRY(added, read_tags(in.tags));
  auto guard = co_await elbv2.writing.enter();
  store::Transaction transaction;
  for (const std::string& arn : in.resource_arns) {
    LF_CO_OK(edit_tags(
        elbv2.tables(ctx.scope), ctx.scope, arn,
        [&](Tags& tags) -> Result<void> {
          for (const auto& [key, value] : added) tags[key] = value;
          if (tags.size() > 50) return errors::too_many_tags("A resource can have at most 50 tags");
          return {};
        },
        transaction));
  }
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return AddTagsResponse{};
}

task<Result<RemoveTagsResponse>> remove_tags(Elbv2& elbv2, const RequestContext& ctx,
                                             RemoveTagsRequest in) {
  auto guard = co_await elbv2.writing.enter();
  store::Transaction transaction;
  for (const std::string& arn : in.resource_arns) {
    LF_CO_OK(edit_tags(
        elbv2.tables(ctx.scope), ctx.scope, arn,
        [&](Tags& tags) -> Result<void> {
          for (const std::string& key : in.tag_keys) tags.erase(key);
          return {};
        },
        transaction));
  }
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return RemoveTagsResponse{};
}

task<Result<DescribeTagsResponse>> describe_tags(Elbv2& elbv2, const RequestContext& ctx,
                                                 DescribeTagsRequest in) {
  DescribeTagsResponse out;
  store::Transaction unused;
  for (const std::string& arn : in.resource_arns) {
    LF_CO_OK(edit_tags(
        elbv2.tables(ctx.scope), ctx.scope, arn,
        [&](Tags& tags) -> Result<void> {
          TagDescription& description = out.tag_descriptions.emplace_back();
          description.resource_arn = arn;
          description.tags = tag_shapes(tags);
          return {};
        },
        unused));
  }
  co_return out;
}

}  // namespace landfall::elbv2
