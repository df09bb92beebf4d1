#include "services/ecr/access.h"

#include "base/log.h"
#include "services/ecr/names.h"

namespace landfall::ecr {

std::string registry_address(const Ecr& ecr, const Scope& scope) {
  return fmt::format("{}:{}", registry_host(scope, ecr.settings.domain), ecr.settings.port);
}

std::unexpected<Error> repository_missing(const Scope& scope, std::string_view name) {
  return errors::repository_not_found(
      fmt::format("The repository with name '{}' does not exist in the registry with id '{}'", name,
                  scope.account));
}

std::optional<FoundRepository> find_repository(const Ecr& ecr, const Scope& scope,
                                               std::string_view name) {
  auto row = repositories(ecr.store, scope).get(repository_id(name));
  if (!row || row->value.deleting) return {};
  return FoundRepository{scope, std::move(*row)};
}

iam::Access access_to(const FoundRepository& repository, std::string_view action) {
  iam::Access access;
  access.action = action;
  access.resource = repository_arn(repository.scope, repository.name());
  access.resource_account = repository.scope.account;
  if (!repository.record().policy.empty()) {
    auto policy = iam::policy::Document::parse(repository.record().policy,
                                               iam::policy::DocumentKind::resource);
    // It was checked when it was set.
    if (policy) access.resource_policy = std::move(*policy);
  }
  for (const auto& [key, value] : repository.record().tags) {
    access.context.set("aws:ResourceTag/" + key, value);
  }
  return access;
}

Result<FoundRepository> find_for(const Ecr& ecr, const RequestContext& ctx,
                                 const std::optional<std::string>& registry_id,
                                 const std::string& name, std::string_view action) {
  const Scope scope{registry_id.value_or(ctx.scope.account), ctx.scope.region};
  auto found = find_repository(ecr, scope, name);
  const bool foreign = scope.account != ctx.principal.account;
  if (!found) {
    // Strangers do not learn which repositories there are.
    if (foreign) {
      return fail("AccessDeniedException",
                  fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                              ctx.principal.arn, action, repository_arn(scope, name)),
                  400);
    }
    return repository_missing(scope, name);
  }
  if (foreign || !found->record().policy.empty()) {
    if (auto allowed = ecr.iam.authorize(ctx, access_to(*found, action)); !allowed) {
      return fail("AccessDeniedException", allowed.error().message, 400);
    }
  }
  return std::move(*found);
}

Result<Scope> own_registry(const RequestContext& ctx,
                           const std::optional<std::string>& registry_id) {
  if (registry_id && *registry_id != ctx.scope.account) {
    return fail("AccessDeniedException",
                fmt::format("User: {} may not use the registry with id '{}'", ctx.principal.arn,
                            *registry_id),
                400);
  }
  return ctx.scope;
}

}  // namespace landfall::ecr
