#include "services/ecr/images.h"

namespace landfall::ecr {

task<Result<BatchCheckLayerAvailabilityResponse>> batch_check_layer_availability(
    Ecr& ecr, const RequestContext& ctx, BatchCheckLayerAvailabilityRequest in) {
  LF_CO_TRY(found, find_for(ecr, ctx, in.registry_id, in.repository_name,
                            "ecr:BatchCheckLayerAvailability"));
  BatchCheckLayerAvailabilityResponse out;
  for (const std::string& text : in.layer_digests) {
    const auto digest = host::Digest::parse(text);
    if (!digest) {
      out.failures.push_back({text, "InvalidLayerDigest", digest.error().message});
    } else if (has_blob(ecr, found, *digest)) {
      out.layers.push_back(
          {text, "AVAILABLE", static_cast<std::int64_t>(*ecr.blobs.size(*digest)), {}});
    } else {
      out.layers.push_back({text, "UNAVAILABLE", {}, {}});
    }
  }
  co_return out;
}

}  // namespace landfall::ecr
