#include "services/ecr/views.h"

#include "base/bytes.h"
#include "services/ecr/names.h"

namespace landfall::ecr {
namespace {

constexpr std::size_t kTagsLimit = 50;

}  // namespace

Repository repository_view(const Ecr& ecr, const FoundRepository& repository) {
  const RepositoryRecord& record = repository.record();
  Repository out;
  out.repository_arn = repository_arn(repository.scope, record.name);
  out.registry_id = repository.scope.account;
  out.repository_name = record.name;
  out.repository_uri = fmt::format("{}/{}", registry_address(ecr, repository.scope), record.name);
  out.created_at = record.created_at;
  out.image_tag_mutability = record.tag_mutability;
  for (const ExclusionFilter& filter : record.mutability_exclusions) {
    out.image_tag_mutability_exclusion_filters.push_back({filter.type, filter.pattern});
  }
  out.image_scanning_configuration = ImageScanningConfiguration{record.scan_on_push};
  out.encryption_configuration = EncryptionConfiguration{"AES256", {}};
  return out;
}

ImageDetail image_detail(const FoundRepository& repository, const TaggedImage& image) {
  ImageDetail out;
  out.registry_id = repository.scope.account;
  out.repository_name = repository.name();
  out.image_digest = image.record.digest;
  out.image_tags.assign(image.tags.begin(), image.tags.end());
  out.image_size_in_bytes = static_cast<std::int64_t>(image.record.size);
  out.image_pushed_at = image.record.pushed_at;
  out.image_manifest_media_type = image.record.media_type;
  if (!image.record.artifact_type.empty()) out.artifact_media_type = image.record.artifact_type;
  if (image.record.last_pulled_at != TimePoint())
    out.last_recorded_pull_time = image.record.last_pulled_at;
  if (!image.record.subject.empty()) out.subject_manifest_digest = image.record.subject;
  if (repository.record().scan_on_push) {
    out.image_scan_status = ImageScanStatus{"UNSUPPORTED_IMAGE", "Landfall does not scan images."};
  }
  out.image_status = "ACTIVE";
  return out;
}

std::string image_id_text(const ImageIdentifier& id) {
  return fmt::format("{{imageDigest:'{}', imageTag:'{}'}}", id.image_digest.value_or("null"),
                     id.image_tag.value_or("null"));
}

std::unexpected<Error> image_missing(const FoundRepository& repository, const ImageIdentifier& id) {
  return errors::image_not_found(
      fmt::format("The image with imageId {} does not exist within the repository with name '{}' "
                  "in the registry with "
                  "id '{}'",
                  image_id_text(id), repository.name(), repository.scope.account));
}

std::expected<std::string, ImageIdFailure> resolve_image_id(const Ecr& ecr,
                                                            const FoundRepository& repository,
                                                            const ImageIdentifier& id) {
  const auto failed = [](const char* code, std::string reason) {
    return std::unexpected(ImageIdFailure{code, std::move(reason)});
  };
  if (!id.image_digest && !id.image_tag)
    return failed("MissingDigestAndTag",
                  "Invalid request parameters: both tag and digest cannot be null");
  if (id.image_digest && !host::Digest::parse(*id.image_digest)) {
    return failed("InvalidImageDigest",
                  fmt::format("Invalid request parameters: image digest should satisfy the regex "
                              "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"));
  }
  if (id.image_tag && !is_tag(*id.image_tag)) {
    return failed(
        "InvalidImageTag",
        "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9-_.]+'");
  }
  std::optional<std::string> digest = id.image_digest;
  if (id.image_tag) {
    const auto tagged = digest_of_tag(ecr, repository, *id.image_tag);
    if (!tagged) return failed("ImageNotFound", "Requested image not found");
    if (digest && *digest != *tagged) {
      return failed("ImageTagDoesNotMatchDigest", "The image tag does not match the image digest");
    }
    digest = tagged;
  }
  if (!find_image(ecr, repository, *digest))
    return failed("ImageNotFound", "Requested image not found");
  return *digest;
}

// Tells a token from what a client made up.
constexpr std::string_view kPageMark = "after:";

Result<std::string> page_start(const std::optional<std::string>& next_token) {
  if (!next_token) return std::string();
  auto last = base64_decode(*next_token);
  if (!last || !last->starts_with(kPageMark)) {
    return errors::invalid_parameter(
        "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'");
  }
  return last->substr(kPageMark.size());
}

std::string page_token(std::string_view last) {
  return base64_encode(fmt::format("{}{}", kPageMark, last));
}

Result<void> merge_tags(std::map<std::string, std::string>& into, const wire::List<Tag>& given) {
  for (const Tag& tag : given) {
    if (tag.key.empty() || tag.key.size() > 128 || tag.value.size() > 256 ||
        tag.key.starts_with("aws:")) {
      return errors::invalid_tag_parameter(
          fmt::format("Invalid parameter at 'tags': the tag '{}' is not allowed", tag.key));
    }
    into[tag.key] = tag.value;
  }
  if (into.size() > kTagsLimit) {
    return errors::too_many_tags(fmt::format("A repository can have at most {} tags", kTagsLimit));
  }
  return {};
}

task<Result<FoundRepository>> change_repository(
    Ecr& ecr, FoundRepository repository, std::function<Result<bool>(RepositoryRecord&)> change) {
  const Scope scope = repository.scope;
  const std::string name = repository.name();
  auto row = co_await repositories(ecr.store, scope)
                 .update(repository_id(name), [&](RepositoryRecord& record) -> Result<bool> {
                   if (record.deleting) return repository_missing(scope, name);
                   return change(record);
                 });
  if (!row && row.error().code == "not-found") co_return repository_missing(scope, name);
  if (!row) co_return std::unexpected(std::move(row).error());
  co_return FoundRepository{scope, std::move(*row)};
}

}  // namespace landfall::ecr
