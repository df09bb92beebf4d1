#include "services/ecr/sweeper.h"

#include "base/log.h"
#include "services/ecr/deletion.h"
#include "services/ecr/lifecycle/policy.h"
#include "services/ecr/views.h"

namespace landfall::ecr {
namespace {

task<void> apply_lifecycle(Ecr& ecr, FoundRepository repository) {
  const auto rules = lifecycle::parse(repository.record().lifecycle_policy);
  if (!rules) {
    log::warning("ecr", "lifecycle policy of {}: {}", repository.name(), rules.error().message);
    co_return;
  }
  const TimePoint now = ecr.clock.now();
  Removal removal;
  for (const lifecycle::Expiry& expiry :
       lifecycle::plan(*rules, list_images(ecr, repository), now)) {
    removal.digests.insert(expiry.image.record.digest);
  }
  const std::size_t count = removal.digests.size();
  if (const auto done = co_await remove_images(ecr, repository, std::move(removal)); !done) {
    log::warning("ecr", "lifecycle policy of {}: {}", repository.name(), done.error().message);
    co_return;
  }
  if (count > 0)
    log::info("ecr", "lifecycle policy of {}: {} images expired", repository.name(), count);
  (void)co_await change_repository(ecr, repository,
                                   [now](RepositoryRecord& record) -> Result<bool> {
                                     record.lifecycle_evaluated_at = now;
                                     return true;
                                   });
}

bool is_needed(const Ecr& ecr, const FoundRepository& repository, const std::string& digest,
               bool manifest, std::map<std::string, std::set<std::string>>& used_by_repository) {
  if (manifest) return find_image(ecr, repository, digest).has_value();
  const std::string key = repository_arn(repository.scope, repository.name());
  auto found = used_by_repository.find(key);
  if (found == used_by_repository.end()) {
    std::set<std::string> used;
    for (const auto& row : images(ecr.store, repository.scope, repository.name()).list()) {
      used.insert(row.value.blobs.begin(), row.value.blobs.end());
    }
    found = used_by_repository.emplace(key, std::move(used)).first;
  }
  return found->second.contains(digest);
}

// Takes away references that nothing stands behind. A push that counts on one writes it again in
// the same transaction, so that ours, which needs it unchanged, then does nothing.
task<void> drop_references(Ecr& ecr, SweepAges ages) {
  const auto table = blob_references(ecr.store);
  std::map<std::string, std::set<std::string>> used_by_repository;
  const auto rows = table.list();
  for (const auto& row : rows) {
    if (ecr.clock.now() - row.value.touched_at < ages.unused_layer) continue;
    const ReferenceOwner owner = reference_owner(row.id);
    const auto repository = find_repository(ecr, owner.scope, owner.repository);
    const bool same =
        repository && repository->record().created_at == row.value.repository_created_at;
    const std::string digest = "sha256:" + row.id.substr(0, row.id.find('/'));
    if (same && is_needed(ecr, *repository, digest, row.value.manifest, used_by_repository))
      continue;
    auto done = co_await ecr.store.commit(
        {{table.unchanged(row.id, row.revision)}, {table.remove(row.id)}});
    if (!done) {
      log::warning("ecr", "sweep: {}", done.error().message);
      co_return;
    }
    // Others have run while the commit was under way.
    used_by_repository.clear();
  }
}

std::vector<FoundRepository> all_repositories(Ecr& ecr) {
  std::vector<FoundRepository> out;
  for (const store::KeyValue& kv : ecr.store.range("/ecr/")) {
    if (const auto key = repository_key(kv.key)) {
      if (auto found = find_repository(ecr, key->scope, key->repository))
        out.push_back(std::move(*found));
    }
  }
  return out;
}

}  // namespace

task<host::BlobStore::Swept> sweep_once(Ecr& ecr, SweepAges ages, KeptElsewhere kept) {
  co_await finish_deletions(ecr);
  for (FoundRepository& repository : all_repositories(ecr)) {
    if (!repository.record().lifecycle_policy.empty())
      co_await apply_lifecycle(ecr, std::move(repository));
  }
  co_await drop_references(ecr, ages);
  auto swept = co_await ecr.blobs.sweep(
      [&ecr, &kept](const host::Digest& digest) {
        return is_referenced(ecr.store, digest) || (kept && kept(digest));
      },
      ages.blob, ages.upload);
  if (!swept) {
    log::warning("ecr", "sweep: {}", swept.error().message);
    co_return host::BlobStore::Swept{};
  }
  if (swept->blobs + swept->uploads > 0) {
    log::info("ecr", "removed {} blobs and {} unfinished uploads, {} bytes", swept->blobs,
              swept->uploads, swept->bytes);
  }
  co_return *swept;
}

task<void> sweep_forever(Ecr& ecr, SweepAges ages, Millis interval, KeptElsewhere kept) {
  while (true) {
    co_await sweep_once(ecr, ages, kept);
    co_await ecr.loop.sleep_for(interval);
  }
}

}  // namespace landfall::ecr
