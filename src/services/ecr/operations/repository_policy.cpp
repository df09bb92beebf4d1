// operations: SetRepositoryPolicy, GetRepositoryPolicy, DeleteRepositoryPolicy
#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

std::unexpected<Error> policy_missing(const FoundRepository& repository) {
  return errors::repository_policy_not_found(
      fmt::format("Repository policy does not exist for the repository with name '{}' in the "
                  "registry with id '{}'",
                  repository.name(), repository.scope.account));
}

}  // namespace

task<Result<SetRepositoryPolicyResponse>> set_repository_policy(Ecr& ecr, const RequestContext& ctx,
                                                                SetRepositoryPolicyRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:SetRepositoryPolicy"));
  if (const auto policy =
          iam::policy::Document::parse(in.policy_text, iam::policy::DocumentKind::resource);
      !policy) {
    co_return errors::invalid_parameter(
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository "
        "policy provided: " +
        policy.error().message + "'");
  }
  // Without `force`, AWS refuses a policy that would keep the caller from setting another.
  FoundRepository with_it = found;
  with_it.row.value.policy = in.policy_text;
  if (!in.force.value_or(false) &&
      !ecr.iam.authorize(ctx, access_to(with_it, "ecr:SetRepositoryPolicy"))) {
    co_return errors::invalid_parameter(
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The new policy would "
        "prevent you from setting a "
        "repository policy in the future; use force to set it all the same'");
  }
  LF_CO_TRY(changed,
            co_await change_repository(ecr, found, [&in](RepositoryRecord& record) -> Result<bool> {
              record.policy = in.policy_text;
              return true;
            }));
  co_return SetRepositoryPolicyResponse{changed.scope.account, changed.name(), in.policy_text};
}

task<Result<GetRepositoryPolicyResponse>> get_repository_policy(Ecr& ecr, const RequestContext& ctx,
                                                                GetRepositoryPolicyRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:GetRepositoryPolicy"));
  if (found.record().policy.empty()) co_return policy_missing(found);
  co_return GetRepositoryPolicyResponse{found.scope.account, found.name(), found.record().policy};
}

task<Result<DeleteRepositoryPolicyResponse>> delete_repository_policy(
    Ecr& ecr, const RequestContext& ctx, DeleteRepositoryPolicyRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:DeleteRepositoryPolicy"));
  std::string before;
  LF_CO_TRY(changed,
            co_await change_repository(ecr, found, [&](RepositoryRecord& record) -> Result<bool> {
              if (record.policy.empty()) return policy_missing(found);
              before = std::exchange(record.policy, {});
              return true;
            }));
  co_return DeleteRepositoryPolicyResponse{changed.scope.account, changed.name(), before};
}

}  // namespace landfall::ecr
