#include "services/ecr/manifest_facts.h"
#include "services/ecr/names.h"
#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<PutImageResponse>> put_image(Ecr& ecr, const RequestContext& ctx, PutImageRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:PutImage"));
  NewImage image{
      in.image_manifest, in.image_manifest_media_type.value_or(""), in.image_tag.value_or(""), {}};
  if (in.image_tag && !is_tag(*in.image_tag)) {
    co_return errors::invalid_parameter(
        "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular "
        "expression '[a-zA-Z0-9-_.]+''");
  }
  if (in.image_digest) {
    const auto digest = host::Digest::parse(*in.image_digest);
    if (!digest)
      co_return errors::invalid_parameter("Invalid parameter at 'imageDigest': " +
                                          digest.error().message);
    image.digest = *digest;
  }
  auto stored = co_await put_image(ecr, found, std::move(image));
  if (!stored && stored.error().code == "manifest-invalid") {
    co_return errors::invalid_parameter(
        fmt::format("Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{}'",
                    stored.error().message));
  }
  if (!stored) co_return std::unexpected(std::move(stored).error());
  if (!stored->changed) {
    co_return errors::image_already_exists(fmt::format(
        "Image with digest '{}' and tag '{}' already exists in the repository with name '{}' in "
        "registry with id '{}'",
        stored->record.digest, in.image_tag.value_or("null"), found.name(), found.scope.account));
  }
  co_return PutImageResponse{Image{found.scope.account, found.name(),
                                   ImageIdentifier{stored->record.digest, in.image_tag},
                                   std::move(in.image_manifest), stored->record.media_type}};
}

}  // namespace landfall::ecr
