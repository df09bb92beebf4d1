#include "services/ecr/deletion.h"

#include "base/log.h"
#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

task<Result<void>> set_deleting(Ecr& ecr, const Scope& scope, std::string name, bool deleting) {
  auto row = co_await repositories(ecr.store, scope)
                 .update(repository_id(name), [deleting](RepositoryRecord& record) -> Result<bool> {
                   record.deleting = deleting;
                   return true;
                 });
  if (!row) co_return std::unexpected(std::move(row).error());
  co_return Result<void>();
}

bool has_images(Ecr& ecr, const Scope& scope, const std::string& name) {
  return !images(ecr.store, scope, name).list({}, {}, 1).empty();
}

// The marked repository with all that is in it, in one transaction. Blobs and their references are
// left to the sweep. Whoever else has removed it has done the work, and another repository may have
// its name by now.
task<Result<void>> remove_marked(Ecr& ecr, const Scope& scope, std::string name,
                                 std::int64_t revision) {
  const auto table = repositories(ecr.store, scope);
  store::Transaction transaction;
  transaction.conditions.push_back(table.unchanged(repository_id(name), revision));
  transaction.operations.push_back(table.remove(repository_id(name)));
  transaction.operations.push_back(store::DeletePrefix{images(ecr.store, scope, name).prefix()});
  transaction.operations.push_back(store::DeletePrefix{tags(ecr.store, scope, name).prefix()});
  auto done = co_await ecr.store.commit(std::move(transaction));
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return Result<void>();
}

}  // namespace

// In two steps: every push needs the repository's record as it read it, so once the mark is on disk
// no push under way can come in behind the look at the images.
task<Result<void>> delete_with_images(Ecr& ecr, FoundRepository repository, bool force) {
  const Scope scope = repository.scope;
  const std::string name = repository.name();
  LF_CO_TRY(marked, co_await change_repository(ecr, repository,
                                               [](RepositoryRecord& record) -> Result<bool> {
                                                 record.deleting = true;
                                                 return true;
                                               }));
  if (!force && has_images(ecr, marked.scope, name)) {
    LF_CO_OK(co_await set_deleting(ecr, scope, name, false));
    co_return errors::repository_not_empty(
        fmt::format("The repository with name '{}' in registry with id '{}' cannot be deleted "
                    "because it still contains images",
                    name, scope.account));
  }
  co_return co_await remove_marked(ecr, scope, name, marked.row.revision);
}

task<void> finish_deletions(Ecr& ecr) {
  for (const store::KeyValue& kv : ecr.store.range("/ecr/")) {
    const auto key = repository_key(kv.key);
    if (!key) continue;
    const Scope& scope = key->scope;
    const auto row = repositories(ecr.store, scope).get(repository_id(key->repository));
    if (!row || !row->value.deleting) continue;
    const auto done = has_images(ecr, scope, key->repository)
                          ? co_await set_deleting(ecr, scope, key->repository, false)
                          : co_await remove_marked(ecr, scope, key->repository, row->revision);
    if (!done) log::warning("ecr", "repository {}: {}", key->repository, done.error().message);
  }
}

}  // namespace landfall::ecr
