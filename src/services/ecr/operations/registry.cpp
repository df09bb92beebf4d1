// operations: DescribeRegistry, GetRegistryPolicy, DescribePullThroughCacheRules
//
// A registry here has no replication, no policy of its own and no rules for other registries: these
// calls say so.
#include "services/ecr/access.h"

namespace landfall::ecr {

task<Result<DescribeRegistryResponse>> describe_registry(Ecr&, const RequestContext& ctx,
                                                         DescribeRegistryRequest) {
  ReplicationConfiguration none;
  none.rules.present = true;
  co_return DescribeRegistryResponse{ctx.scope.account, std::move(none)};
}

task<Result<GetRegistryPolicyResponse>> get_registry_policy(Ecr&, const RequestContext& ctx,
                                                            GetRegistryPolicyRequest) {
  co_return errors::registry_policy_not_found(fmt::format(
      "Registry policy does not exist in the registry with id '{}'", ctx.scope.account));
}

task<Result<DescribePullThroughCacheRulesResponse>> describe_pull_through_cache_rules(
    Ecr&, const RequestContext& ctx, DescribePullThroughCacheRulesRequest in) {
  LF_CO_OK(own_registry(ctx, in.registry_id));
  if (!in.ecr_repository_prefixes.empty()) {
    co_return errors::pull_through_cache_rule_not_found(
        fmt::format("Pull through cache rule with Amazon ECR repository prefix '{}' does not exist "
                    "in registry with id '{}'",
                    in.ecr_repository_prefixes.front(), ctx.scope.account));
  }
  co_return DescribePullThroughCacheRulesResponse{};
}

}  // namespace landfall::ecr
