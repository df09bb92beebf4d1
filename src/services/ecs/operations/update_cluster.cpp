// operations: UpdateCluster, UpdateClusterSettings, PutClusterCapacityProviders
#include "services/ecs/describe.h"
#include "services/ecs/launch.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

// Settings that are not named stay.
void merge_settings(ClusterRecord& cluster, const wire::List<ClusterSetting>& settings) {
  for (const ClusterSetting& setting : settings) {
    const auto known = std::ranges::find(cluster.settings, setting.name, &ClusterSetting::name);
    if (known == cluster.settings.end()) {
      cluster.settings.push_back(setting);
    } else {
      known->value = setting.value;
    }
  }
}

task<Result<Cluster>> change_cluster(Ecs& ecs, const RequestContext& ctx, std::string reference,
                                     std::function<Result<bool>(ClusterRecord&)> change) {
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(row, find_cluster(tables, ctx.scope, reference));
  LF_CO_TRY(changed, co_await tables.clusters.update(row.id, std::move(change)));
  Cluster out = describe_cluster(tables, ctx.scope, changed.value);
  out.settings = shown_settings(changed.value);
  out.tags = to_api(changed.value.tags);
  co_return out;
}

}  // namespace

task<Result<UpdateClusterResponse>> update_cluster(Ecs& ecs, const RequestContext& ctx,
                                                   UpdateClusterRequest in) {
  if (in.configuration && in.configuration->execute_command_configuration)
    co_return errors::invalid_parameter(
        "configuration.executeCommandConfiguration is not supported: there is no ECS Exec.");
  if (in.service_connect_defaults)
    co_return errors::invalid_parameter(
        "serviceConnectDefaults is not supported: there is no Service Connect.");
  LF_CO_OK(check_settings(in.settings));
  LF_CO_TRY(cluster,
            co_await change_cluster(ecs, ctx, in.cluster, [&](ClusterRecord& c) -> Result<bool> {
              merge_settings(c, in.settings);
              return true;
            }));
  co_return UpdateClusterResponse{cluster};
}

task<Result<UpdateClusterSettingsResponse>> update_cluster_settings(
    Ecs& ecs, const RequestContext& ctx, UpdateClusterSettingsRequest in) {
  LF_CO_OK(check_settings(in.settings));
  LF_CO_TRY(cluster,
            co_await change_cluster(ecs, ctx, in.cluster, [&](ClusterRecord& c) -> Result<bool> {
              merge_settings(c, in.settings);
              return true;
            }));
  co_return UpdateClusterSettingsResponse{cluster};
}

task<Result<PutClusterCapacityProvidersResponse>> put_cluster_capacity_providers(
    Ecs& ecs, const RequestContext& ctx, PutClusterCapacityProvidersRequest in) {
  for (const std::string& provider : in.capacity_providers)
    LF_CO_OK(check_strategy({{provider, 1, 0}}));
  LF_CO_OK(check_strategy(in.default_capacity_provider_strategy));
  LF_CO_TRY(cluster,
            co_await change_cluster(ecs, ctx, in.cluster, [&](ClusterRecord& c) -> Result<bool> {
              c.capacity_providers = in.capacity_providers;
              c.strategy = in.default_capacity_provider_strategy;
              return true;
            }));
  co_return PutClusterCapacityProvidersResponse{cluster};
}

}  // namespace landfall::ecs
