// operations: InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload
#include "services/ecr/images.h"

namespace landfall::ecr {
namespace {

constexpr std::int64_t kPartSize = 20 << 20;  // what AWS proposes

std::unexpected<Error> upload_missing(const FoundRepository& repository, const std::string& id) {
  return errors::upload_not_found(
      fmt::format("The upload with id '{}' does not exist in the repository with name '{}' in the "
                  "registry with id '{}'",
                  id, repository.name(), repository.scope.account));
}

}  // namespace

task<Result<InitiateLayerUploadResponse>> initiate_layer_upload(Ecr& ecr, const RequestContext& ctx,
                                                                InitiateLayerUploadRequest in) {
  LF_CO_OK(find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:InitiateLayerUpload"));
  LF_CO_TRY(id, ecr.blobs.begin_upload());
  co_return InitiateLayerUploadResponse{id, kPartSize};
}

task<Result<UploadLayerPartResponse>> upload_layer_part(Ecr& ecr, const RequestContext& ctx,
                                                        UploadLayerPartRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:UploadLayerPart"));
  const auto size = ecr.blobs.upload_size(in.upload_id);
  if (!size) co_return upload_missing(found, in.upload_id);
  const auto last_valid = [&](std::uint64_t bytes) {
    return errors::Fields{{"registryId", found.scope.account},
                          {"repositoryName", found.name()},
                          {"uploadId", in.upload_id},
                          {"lastValidByteReceived", std::to_string(bytes == 0 ? 0 : bytes - 1)}};
  };
  if (in.part_last_byte - in.part_first_byte + 1 !=
      static_cast<std::int64_t>(in.layer_part_blob.size())) {
    co_return errors::invalid_layer_part(
        "The part's bytes are not as many as its first and last byte say.", last_valid(*size));
  }
  const auto after = co_await ecr.blobs.append(
      in.upload_id, static_cast<std::uint64_t>(in.part_first_byte), std::move(in.layer_part_blob));
  if (!after && after.error().code == "upload-range") {
    co_return errors::invalid_layer_part(
        "The layer part size is not valid, or the first byte specified is not consecutive to the "
        "last byte of a previous "
        "layer part upload.",
        last_valid(*size));
  }
  if (!after) co_return std::unexpected(after.error());
  co_return UploadLayerPartResponse{found.scope.account, found.name(), in.upload_id,
                                    static_cast<std::int64_t>(*after) - 1};
}

task<Result<CompleteLayerUploadResponse>> complete_layer_upload(Ecr& ecr, const RequestContext& ctx,
                                                                CompleteLayerUploadRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:CompleteLayerUpload"));
  const auto size = ecr.blobs.upload_size(in.upload_id);
  if (!size) co_return upload_missing(found, in.upload_id);
  if (*size == 0)
    co_return errors::empty_upload(
        fmt::format("The upload with id '{}' has no parts", in.upload_id));
  if (in.layer_digests.size() != 1) {
    co_return errors::invalid_parameter(
        "Invalid parameter at 'layerDigests': exactly one digest is needed");
  }
  const auto digest = host::Digest::parse(in.layer_digests.front());
  if (!digest)
    co_return errors::invalid_parameter("Invalid parameter at 'layerDigests': " +
                                        digest.error().message);
  if (has_blob(ecr, found, *digest)) {
    (void)ecr.blobs.abort(in.upload_id);
    co_return errors::layer_already_exists(
        fmt::format("The layer with digest '{}' already exists in the repository with name '{}' in "
                    "the registry with id "
                    "'{}'",
                    digest->str(), found.name(), found.scope.account));
  }
  const auto pin = co_await ecr.blobs.finish(in.upload_id, *digest);
  if (!pin && pin.error().code == "digest-mismatch")
    co_return errors::invalid_layer(pin.error().message);
  if (!pin) co_return std::unexpected(pin.error());
  LF_CO_OK(co_await link_blob(ecr, found, *pin));
  co_return CompleteLayerUploadResponse{found.scope.account, found.name(), in.upload_id,
                                        digest->str()};
}

}  // namespace landfall::ecr
