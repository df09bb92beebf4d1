#include "base/bytes.h"
#include "services/ecr/images.h"
#include "services/ecr/registry/call.h"

namespace landfall::ecr {

// AWS's URLs are good for an hour, too.
constexpr Millis kUrlLifetime = std::chrono::hours(1);

task<Result<GetDownloadUrlForLayerResponse>> get_download_url_for_layer(
    Ecr& ecr, const RequestContext& ctx, GetDownloadUrlForLayerRequest in) {
  LF_CO_TRY(found,
            find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:GetDownloadUrlForLayer"));
  const auto digest = host::Digest::parse(in.layer_digest);
  if (!digest)
    co_return errors::invalid_parameter("Invalid parameter at 'layerDigest': " +
                                        digest.error().message);
  if (!has_blob(ecr, found, *digest)) {
    co_return errors::layers_not_found(
        fmt::format("The layer with digest '{}' does not exist in the repository with name '{}' in "
                    "the registry with id '{}'",
                    in.layer_digest, found.name(), found.scope.account));
  }
  const iam::IssuedToken issued = ecr.iam.issue_token(
      ctx, registry::download_purpose(found.scope, found.name(), in.layer_digest),
      ctx.now + kUrlLifetime);
  co_return GetDownloadUrlForLayerResponse{
      fmt::format("https://{}/v2/{}/blobs/{}?token={}", registry_address(ecr, found.scope),
                  found.name(), in.layer_digest, percent_encode(issued.token)),
      in.layer_digest};
}

}  // namespace landfall::ecr
