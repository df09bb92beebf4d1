#include "services/ecs/service.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

// Both of AWS's own providers are this machine; FARGATE_SPOT tasks are never interrupted.
task<Result<DescribeCapacityProvidersResponse>> describe_capacity_providers(
    Ecs&, const RequestContext& ctx, DescribeCapacityProvidersRequest in) {
  DescribeCapacityProvidersResponse out;
  out.capacity_providers.present = out.failures.present = true;
  if (in.capacity_providers.empty()) in.capacity_providers = {"FARGATE", "FARGATE_SPOT"};
  for (const std::string& reference : in.capacity_providers) {
    const std::string name = reference.substr(reference.rfind('/') + 1);
    const std::string full = arn(ctx.scope, fmt::format("capacity-provider/{}", name));
    if (name != "FARGATE" && name != "FARGATE_SPOT") {
      out.failures.push_back({full, "MISSING", {}});
      continue;
    }
    CapacityProvider provider;
    provider.capacity_provider_arn = full;
    provider.name = name;
    provider.status = "ACTIVE";
    provider.type = name;
    provider.tags.present = true;
    out.capacity_providers.push_back(std::move(provider));
  }
  co_return out;
}

}  // namespace landfall::ecs
