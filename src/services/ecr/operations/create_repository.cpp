#include "services/ecr/names.h"
#include "services/ecr/views.h"

namespace landfall::ecr {

Result<void> set_mutability(RepositoryRecord& record, const std::string& mutability,
                            const wire::List<ImageTagMutabilityExclusionFilter>& filters);

task<Result<CreateRepositoryResponse>> create_repository(Ecr& ecr, const RequestContext& ctx,
                                                         CreateRepositoryRequest in) {
  LF_CO_TRY(scope, own_registry(ctx, in.registry_id));
  if (!is_repository_name(in.repository_name)) {
    co_return errors::invalid_parameter(
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular "
        "expression "
        "'(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*''");
  }
  if (in.encryption_configuration && in.encryption_configuration->encryption_type != "AES256") {
    co_return errors::invalid_parameter(
        "Invalid parameter at 'encryptionConfiguration' failed to satisfy constraint: 'images are "
        "not encrypted under keys of KMS here: AES256 only'");
  }
  RepositoryRecord record;
  record.name = in.repository_name;
  record.created_at = ctx.now;
  if (in.image_tag_mutability) {
    LF_CO_OK(set_mutability(record, *in.image_tag_mutability,
                            in.image_tag_mutability_exclusion_filters));
  }
  if (in.image_scanning_configuration)
    record.scan_on_push = in.image_scanning_configuration->scan_on_push.value_or(false);
  LF_CO_OK(merge_tags(record.tags, in.tags));

  const auto table = repositories(ecr.store, scope);
  const std::string id = repository_id(record.name);
  LF_CO_TRY(done, co_await ecr.store.commit({{table.absent(id)}, {table.put(id, record)}}));
  if (!done.succeeded) {
    co_return errors::repository_already_exists(
        fmt::format("The repository with name '{}' already exists in the registry with id '{}'",
                    record.name, scope.account));
  }
  co_await ecr.clients.introduce(registry_host(scope, ecr.settings.domain), ecr.settings.port);
  co_return CreateRepositoryResponse{
      repository_view(ecr, {scope, {id, std::move(record), done.revision}})};
}

}  // namespace landfall::ecr
