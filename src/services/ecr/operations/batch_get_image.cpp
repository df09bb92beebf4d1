#include "services/ecr/manifest_facts.h"
#include "services/ecr/views.h"

namespace landfall::ecr {

task<Result<BatchGetImageResponse>> batch_get_image(Ecr& ecr, const RequestContext& ctx,
                                                    BatchGetImageRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name, "ecr:BatchGetImage"));
  BatchGetImageResponse out;
  for (const ImageIdentifier& id : in.image_ids) {
    const auto resolved = resolve_image_id(ecr, found, id);
    if (!resolved) {
      out.failures.push_back({id, resolved.error().code, resolved.error().reason});
      continue;
    }
    const auto digest = host::Digest::parse(*resolved);
    const auto image = find_image(ecr, found, *resolved);
    LF_CO_TRY(manifest, co_await ecr.blobs.read(*digest, kManifestLimit));
    co_await record_pull(ecr, found, *resolved);
    out.images.push_back({found.scope.account, found.name(),
                          ImageIdentifier{*resolved, id.image_tag}, std::move(manifest),
                          image->value.media_type});
  }
  co_return out;
}

}  // namespace landfall::ecr
