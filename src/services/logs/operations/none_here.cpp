// What tools ask for when they read a log group, and of what there is none here: nothing of it can
// be made.
//
// operations: DescribeSubscriptionFilters, DescribeResourcePolicies, DescribeExportTasks
// operations: DescribeDestinations, DescribeAccountPolicies, DescribeIndexPolicies
// operations: DescribeFieldIndexes, GetDataProtectionPolicy
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

Result<void> check_groups(const Logs& logs, const Scope& scope,
                          const wire::List<std::string>& identifiers) {
  for (const std::string& identifier : identifiers) {
    LF_OK(find_group(logs, scope, std::nullopt, identifier));
  }
  return {};
}

}  // namespace

task<Result<DescribeSubscriptionFiltersResponse>> describe_subscription_filters(
    Logs& logs, const RequestContext& ctx, DescribeSubscriptionFiltersRequest in) {
  LF_CO_OK(find_group(logs, ctx.scope, in.log_group_name));
  DescribeSubscriptionFiltersResponse out;
  out.subscription_filters.present = true;
  co_return out;
}

task<Result<DescribeResourcePoliciesResponse>> describe_resource_policies(
    Logs&, const RequestContext&, DescribeResourcePoliciesRequest) {
  DescribeResourcePoliciesResponse out;
  out.resource_policies.present = true;
  co_return out;
}

task<Result<DescribeExportTasksResponse>> describe_export_tasks(Logs&, const RequestContext&,
                                                                DescribeExportTasksRequest in) {
  if (in.task_id) co_return errors::resource_not_found("Specified task does not exist.");
  DescribeExportTasksResponse out;
  out.export_tasks.present = true;
  co_return out;
}

task<Result<DescribeDestinationsResponse>> describe_destinations(Logs&, const RequestContext&,
                                                                 DescribeDestinationsRequest) {
  DescribeDestinationsResponse out;
  out.destinations.present = true;
  co_return out;
}

task<Result<DescribeAccountPoliciesResponse>> describe_account_policies(
    Logs&, const RequestContext&, DescribeAccountPoliciesRequest in) {
  if (in.policy_name) co_return errors::resource_not_found("The account policy does not exist.");
  DescribeAccountPoliciesResponse out;
  out.account_policies.present = true;
  co_return out;
}

task<Result<DescribeIndexPoliciesResponse>> describe_index_policies(
    Logs& logs, const RequestContext& ctx, DescribeIndexPoliciesRequest in) {
  LF_CO_OK(check_groups(logs, ctx.scope, in.log_group_identifiers));
  DescribeIndexPoliciesResponse out;
  out.index_policies.present = true;
  co_return out;
}

task<Result<DescribeFieldIndexesResponse>> describe_field_indexes(Logs& logs,
                                                                  const RequestContext& ctx,
                                                                  DescribeFieldIndexesRequest in) {
  LF_CO_OK(check_groups(logs, ctx.scope, in.log_group_identifiers));
  DescribeFieldIndexesResponse out;
  out.field_indexes.present = true;
  co_return out;
}

// Without a policy the answer is the group alone.
task<Result<GetDataProtectionPolicyResponse>> get_data_protection_policy(
    Logs& logs, const RequestContext& ctx, GetDataProtectionPolicyRequest in) {
  LF_CO_OK(find_group(logs, ctx.scope, std::nullopt, in.log_group_identifier));
  GetDataProtectionPolicyResponse out;
  out.log_group_identifier = in.log_group_identifier;
  co_return out;
}

}  // namespace landfall::logs
