#include "services/ecr/images.h"

#include "base/log.h"
#include "services/ecr/manifest_facts.h"
#include "services/ecr/names.h"

namespace landfall::ecr {
namespace {

// Other writers of the same repository come between at most so often.
constexpr int kAttempts = 64;

std::string image_key(std::string_view digest) {
  return std::string(digest.substr(digest.find(':') + 1));
}

}  // namespace

bool matches_wildcard(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  for (std::size_t skip = 0; skip <= text.size(); ++skip) {
    if (matches_wildcard(pattern, text.substr(skip))) return true;
  }
  return false;
}

std::vector<TaggedImage> list_images(const Ecr& ecr, const FoundRepository& repository) {
  std::map<std::string, std::set<std::string>> by_digest;
  for (auto& row : tags(ecr.store, repository.scope, repository.name()).list()) {
    by_digest[row.value.digest].insert(row.id);
  }
  std::vector<TaggedImage> out;
  for (auto& row : images(ecr.store, repository.scope, repository.name()).list()) {
    auto found = by_digest.find(row.value.digest);
    out.push_back({std::move(row.value),
                   found == by_digest.end() ? std::set<std::string>() : std::move(found->second)});
  }
  return out;
}

std::optional<std::string> digest_of_tag(const Ecr& ecr, const FoundRepository& repository,
                                         std::string_view tag) {
  auto row = tags(ecr.store, repository.scope, repository.name()).get(tag);
  if (!row) return {};
  return std::move(row->value.digest);
}

std::optional<store::Row<ImageRecord>> find_image(const Ecr& ecr, const FoundRepository& repository,
                                                  std::string_view digest) {
  return images(ecr.store, repository.scope, repository.name()).get(image_key(digest));
}

std::set<std::string> tags_of(const Ecr& ecr, const FoundRepository& repository,
                              std::string_view digest) {
  std::set<std::string> out;
  for (const auto& row : tags(ecr.store, repository.scope, repository.name()).list()) {
    if (row.value.digest == digest) out.insert(row.id);
  }
  return out;
}

bool has_blob(const Ecr& ecr, const FoundRepository& repository, const host::Digest& digest) {
  const auto row =
      blob_references(ecr.store).get(reference_id(digest, repository.scope, repository.name()));
  return row && row->value.repository_created_at == repository.record().created_at &&
         ecr.blobs.size(digest);
}

task<Result<void>> link_blob(Ecr& ecr, FoundRepository repository, host::BlobPin blob) {
  const BlobReference reference{false, ecr.clock.now(), repository.record().created_at};
  const std::string id = reference_id(*blob, repository.scope, repository.name());
  LF_CO_TRY(done, co_await ecr.store.commit({{}, {blob_references(ecr.store).put(id, reference)}}));
  CHECK(done.succeeded);
  co_return Result<void>();
}

task<void> keep_for_push(Ecr& ecr, FoundRepository repository, host::Digest digest) {
  const auto table = blob_references(ecr.store);
  const auto row = table.get(reference_id(digest, repository.scope, repository.name()));
  if (!row || row->value.manifest ||
      ecr.clock.now() - row->value.touched_at < std::chrono::hours(1)) {
    co_return;
  }
  const auto done = co_await link_blob(ecr, std::move(repository), ecr.blobs.pin(digest));
  if (!done) log::debug("ecr", "{} not kept: {}", digest.str(), done.error().message);
}

bool is_immutable(const RepositoryRecord& repository, std::string_view tag) {
  const bool excluded = std::ranges::any_of(repository.mutability_exclusions, [&](const auto& f) {
    return matches_wildcard(f.pattern, tag);
  });
  return repository.tag_mutability.starts_with("IMMUTABLE") != excluded;
}

namespace {

struct Prepared {
  host::Digest digest;
  ManifestFacts facts;
  std::string tag;
  std::uint64_t manifest_size;
};

std::unexpected<Error> layers_missing(const FoundRepository& repository,
                                      const std::vector<std::string>& missing) {
  return errors::layers_not_found(
      fmt::format("Layers with digests '[{}]' required for pushing image into repository with name "
                  "'{}' in the registry "
                  "with id '{}' do not exist",
                  fmt::join(missing, ", "), repository.name(), repository.scope.account));
}

// Checks that all an image refers to is in the repository, and extends the transaction so that it
// stays so: every reference is written again, which makes a collector that has just judged one
// unused lose the race.
Result<void> claim_blobs(const Ecr& ecr, const FoundRepository& repository, const Prepared& image,
                         ImageRecord& record, store::Transaction& transaction) {
  const auto references = blob_references(ecr.store);
  const BlobReference touched{false, ecr.clock.now(), repository.record().created_at};
  std::vector<std::string> missing;
  for (const host::Digest& digest : image.facts.blobs) {
    if (!record.blobs.insert(digest.str()).second) continue;
    const std::string id = reference_id(digest, repository.scope, repository.name());
    const auto row = references.get(id);
    const auto size = ecr.blobs.size(digest);
    if (!row || !size || row->value.repository_created_at != repository.record().created_at) {
      missing.push_back(digest.str());
      continue;
    }
    record.size += *size;
    transaction.conditions.push_back(references.unchanged(id, row->revision));
    transaction.operations.push_back(references.put(id, touched));
  }
  if (!missing.empty()) return layers_missing(repository, missing);

  const auto children = images(ecr.store, repository.scope, repository.name());
  for (const host::Digest& digest : image.facts.children) {
    const auto row = children.get(digest.hex());
    if (!row) {
      return errors::referenced_images_not_found(
          fmt::format("Images with digests '[{}]' required for pushing image into repository with "
                      "name '{}' in the "
                      "registry with id '{}' do not exist",
                      digest.str(), repository.name(), repository.scope.account));
    }
    if (!record.children.insert(digest.str()).second) continue;
    record.size += row->value.size;
    transaction.conditions.push_back(children.unchanged(digest.hex(), row->revision));
    transaction.operations.push_back(children.put(digest.hex(), row->value));
  }
  const BlobReference manifest{true, ecr.clock.now(), repository.record().created_at};
  transaction.operations.push_back(
      references.put(reference_id(image.digest, repository.scope, repository.name()), manifest));
  return {};
}

// Nothing when another writer came between.
task<Result<std::optional<StoredImage>>> try_put(Ecr& ecr, FoundRepository repository,
                                                 const Prepared& image) {
  const auto image_table = images(ecr.store, repository.scope, repository.name());
  const auto tag_table = tags(ecr.store, repository.scope, repository.name());
  const auto existing = image_table.get(image.digest.hex());
  const auto tagged = image.tag.empty() ? std::nullopt : tag_table.get(image.tag);
  const bool tag_is_right =
      image.tag.empty() || (tagged && tagged->value.digest == image.digest.str());
  if (existing && tag_is_right) co_return StoredImage{existing->value, false};
  if (tagged && !tag_is_right && is_immutable(repository.record(), image.tag)) {
    co_return errors::image_tag_already_exists(
        fmt::format("The image tag '{}' already exists in the '{}' repository and cannot be "
                    "overwritten because the tag "
                    "is immutable.",
                    image.tag, repository.name()));
  }
  store::Transaction transaction;
  transaction.conditions.push_back(
      repositories(ecr.store, repository.scope)
          .unchanged(repository_id(repository.name()), repository.row.revision));
  ImageRecord record;
  if (existing) record.last_pulled_at = existing->value.last_pulled_at;
  record.digest = image.digest.str();
  record.media_type = image.facts.media_type;
  record.artifact_type = image.facts.artifact_type;
  if (image.facts.subject) record.subject = image.facts.subject->str();
  record.manifest_size = image.manifest_size;
  record.pushed_at = existing ? existing->value.pushed_at : ecr.clock.now();
  LF_CO_OK(claim_blobs(ecr, repository, image, record, transaction));
  transaction.conditions.push_back(
      image_table.unchanged(image.digest.hex(), existing ? existing->revision : 0));
  transaction.operations.push_back(image_table.put(image.digest.hex(), record));
  if (!image.tag.empty()) {
    transaction.conditions.push_back(tag_table.unchanged(image.tag, tagged ? tagged->revision : 0));
    transaction.operations.push_back(tag_table.put(image.tag, TagRecord{image.digest.str()}));
  }
  LF_CO_TRY(done, co_await ecr.store.commit(std::move(transaction)));
  if (!done.succeeded) co_return std::optional<StoredImage>();
  co_return StoredImage{std::move(record), true};
}

}  // namespace

task<Result<StoredImage>> put_image(Ecr& ecr, FoundRepository repository, NewImage image) {
  LF_CO_TRY(facts, read_manifest(image.manifest, image.media_type));
  const host::Digest digest = host::Digest::of(image.manifest);
  if (image.digest && *image.digest != digest) {
    co_return errors::image_digest_does_not_match(
        fmt::format("Image digest '{}' does not match the digest of the pushed manifest, '{}'.",
                    image.digest->str(), digest.str()));
  }
  const Prepared prepared{digest, std::move(facts), image.tag, image.manifest.size()};
  // On disk and pinned before anything refers to it.
  const Result<host::BlobPin> pin = co_await ecr.blobs.put(std::move(image.manifest));
  if (!pin) co_return std::unexpected(pin.error());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto current = find_repository(ecr, repository.scope, repository.name());
    if (!current) co_return repository_missing(repository.scope, repository.name());
    LF_CO_TRY(stored, co_await try_put(ecr, std::move(*current), prepared));
    if (stored) co_return std::move(*stored);
  }
  co_return errors::server("The repository is changing too fast; try again.");
}

std::optional<std::string> listed_by(const std::vector<TaggedImage>& all,
                                     const std::set<std::string>& going,
                                     const std::string& digest) {
  for (const TaggedImage& image : all) {
    if (image.record.children.contains(digest) && !going.contains(image.record.digest))
      return image.record.digest;
  }
  return {};
}

task<Result<void>> remove_images(Ecr& ecr, FoundRepository repository, Removal removal) {
  const auto image_table = images(ecr.store, repository.scope, repository.name());
  const auto tag_table = tags(ecr.store, repository.scope, repository.name());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    store::Transaction transaction;
    const std::vector<TaggedImage> all = list_images(ecr, repository);
    for (const std::string& digest : removal.digests) {
      if (const auto index = listed_by(all, removal.digests, digest)) {
        co_return fail("ImageReferencedByManifestList",
                       fmt::format("Requested image referenced by manifest list: [{}]", *index));
      }
      const auto row = image_table.get(image_key(digest));
      if (!row) continue;
      // An index or a tag that is pushed over it at this moment changes or re-reads the row.
      transaction.conditions.push_back(image_table.unchanged(row->id, row->revision));
      transaction.operations.push_back(image_table.remove(row->id));
    }
    for (const auto& row : tag_table.list()) {
      if (!removal.tags.contains(row.id) && !removal.digests.contains(row.value.digest)) continue;
      transaction.conditions.push_back(tag_table.unchanged(row.id, row.revision));
      transaction.operations.push_back(tag_table.remove(row.id));
    }
    if (transaction.operations.empty()) co_return Result<void>();
    LF_CO_TRY(done, co_await ecr.store.commit(std::move(transaction)));
    if (done.succeeded) co_return Result<void>();
  }
  co_return errors::server("The repository is changing too fast; try again.");
}

task<void> record_pull(Ecr& ecr, FoundRepository repository, std::string digest) {
  const auto table = images(ecr.store, repository.scope, repository.name());
  const auto row = table.get(image_key(digest));
  const TimePoint now = ecr.clock.now();
  if (!row || now - row->value.last_pulled_at < std::chrono::hours(24)) co_return;
  const auto done = co_await table.update(row->id, [now](ImageRecord& image) -> Result<bool> {
    image.last_pulled_at = now;
    return true;
  });
  if (!done) log::debug("ecr", "pull of {} not recorded: {}", digest, done.error().message);
}

}  // namespace landfall::ecr
