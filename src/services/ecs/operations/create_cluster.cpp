#include "services/ecs/describe.h"
#include "services/ecs/launch.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

bool is_cluster_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

}  // namespace

// Idempotent: an active cluster of that name is answered as it is.
task<Result<CreateClusterResponse>> create_cluster(Ecs& ecs, const RequestContext& ctx,
                                                   CreateClusterRequest in) {
  const std::string name = in.cluster_name.value_or("default");
  if (!is_cluster_name(name))
    co_return errors::invalid_parameter(
        "Cluster names have letters, digits, hyphens and underscores, up to 255.");
  if (in.configuration && in.configuration->execute_command_configuration)
    co_return errors::invalid_parameter(
        "configuration.executeCommandConfiguration is not supported: there is no ECS Exec.");
  if (in.service_connect_defaults)
    co_return errors::invalid_parameter(
        "serviceConnectDefaults is not supported: there is no Service Connect.");
  LF_CO_OK(check_settings(in.settings));
  LF_CO_TRY(tags, read_tags(in.tags));
  for (const std::string& provider : in.capacity_providers)
    LF_CO_OK(check_strategy({{provider, 1, 0}}));
  LF_CO_OK(check_strategy(in.default_capacity_provider_strategy));

  const Tables tables = ecs.tables(ctx.scope);
  for (;;) {
    auto known = tables.clusters.get(name);
    CreateClusterResponse out;
    if (known && known->value.active) {
      out.cluster = describe_cluster(tables, ctx.scope, known->value);
      co_return out;
    }
    ClusterRecord cluster;
    cluster.name = name;
    cluster.tags = tags;
    cluster.settings = in.settings;
    cluster.capacity_providers = in.capacity_providers;
    cluster.strategy = in.default_capacity_provider_strategy;
    cluster.created_at = ctx.now;
    LF_CO_TRY(done, co_await ecs.store.commit(
                        {{tables.clusters.unchanged(name, known ? known->revision : 0)},
                         {tables.clusters.put(name, cluster)}}));
    if (!done.succeeded) continue;
    out.cluster = describe_cluster(tables, ctx.scope, cluster);
    out.cluster->tags = to_api(cluster.tags);
    out.cluster->settings = shown_settings(cluster);
    co_return out;
  }
}

}  // namespace landfall::ecs
