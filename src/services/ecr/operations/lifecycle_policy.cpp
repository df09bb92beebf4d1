// operations: PutLifecyclePolicy, GetLifecyclePolicy, DeleteLifecyclePolicy
#include "services/ecr/lifecycle/policy.h"
#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

std::unexpected<Error> policy_missing(const FoundRepository& repository) {
  return errors::lifecycle_policy_not_found(
      fmt::format("Lifecycle policy does not exist for the repository with name '{}' in the "
                  "registry with id '{}'",
                  repository.name(), repository.scope.account));
}

std::optional<TimePoint> evaluated(const RepositoryRecord& record) {
  if (record.lifecycle_evaluated_at == TimePoint()) return {};
  return record.lifecycle_evaluated_at;
}

}  // namespace

// The sweep applies it within the hour (AWS: within a day).
task<Result<PutLifecyclePolicyResponse>> put_lifecycle_policy(Ecr& ecr, const RequestContext& ctx,
                                                              PutLifecyclePolicyRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:PutLifecyclePolicy"));
  if (const auto rules = lifecycle::parse(in.lifecycle_policy_text); !rules) {
    co_return errors::invalid_parameter(
        fmt::format("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: "
                    "'Lifecycle policy validation failure: {}'",
                    rules.error().message));
  }
  LF_CO_TRY(changed,
            co_await change_repository(ecr, found, [&in](RepositoryRecord& record) -> Result<bool> {
              record.lifecycle_policy = in.lifecycle_policy_text;
              record.lifecycle_evaluated_at = TimePoint();
              return true;
            }));
  co_return PutLifecyclePolicyResponse{changed.scope.account, changed.name(),
                                       in.lifecycle_policy_text};
}

task<Result<GetLifecyclePolicyResponse>> get_lifecycle_policy(Ecr& ecr, const RequestContext& ctx,
                                                              GetLifecyclePolicyRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:GetLifecyclePolicy"));
  if (found.record().lifecycle_policy.empty()) co_return policy_missing(found);
  co_return GetLifecyclePolicyResponse{found.scope.account, found.name(),
                                       found.record().lifecycle_policy, evaluated(found.record())};
}

task<Result<DeleteLifecyclePolicyResponse>> delete_lifecycle_policy(
    Ecr& ecr, const RequestContext& ctx, DeleteLifecyclePolicyRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:DeleteLifecyclePolicy"));
  std::string before;
  std::optional<TimePoint> last;
  LF_CO_TRY(changed,
            co_await change_repository(ecr, found, [&](RepositoryRecord& record) -> Result<bool> {
              if (record.lifecycle_policy.empty()) return policy_missing(found);
              before = std::exchange(record.lifecycle_policy, {});
              last = evaluated(record);
              record.lifecycle_evaluated_at = TimePoint();
              return true;
            }));
  co_return DeleteLifecyclePolicyResponse{changed.scope.account, changed.name(), before, last};
}

}  // namespace landfall::ecr
