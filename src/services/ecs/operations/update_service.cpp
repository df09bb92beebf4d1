#include "services/ecs/describe.h"
#include "services/ecs/service_request.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

struct Change {
  UpdateServiceRequest in;
  std::optional<TaskDefinition> definition;
  std::optional<Network> network;
  std::optional<Launch> launch;
  std::optional<std::vector<ServiceTarget>> targets;
};

// A new deployment begins when what its tasks are made from changes, or when it is asked for.
Result<bool> apply(const Ecs& ecs, const RequestContext& ctx, const Change& change,
                   ServiceRecord& service) {
  const UpdateServiceRequest& in = change.in;
  if (service.status != ServiceStatus::active)
    return errors::service_not_active("Service was not ACTIVE.");
  const auto primary = std::ranges::find(service.deployments, true, &DeploymentRecord::primary);
  if (primary == service.deployments.end()) return errors::server("The service has no deployment.");
  if (in.desired_count) service.desired_count = *in.desired_count;
  LF_OK(apply_configuration(ecs, ctx.scope, service, in.deployment_configuration));
  if (in.propagate_tags) service.propagate_tags = *in.propagate_tags;
  if (in.enable_execute_command) service.execute_command = *in.enable_execute_command;
  if (in.enable_ecs_managed_tags) service.ecs_managed_tags = *in.enable_ecs_managed_tags;
  if (in.availability_zone_rebalancing)
    service.availability_zone_rebalancing = *in.availability_zone_rebalancing;
  if (in.platform_version) service.platform_version = *in.platform_version;
  if (change.launch) {
    service.launch_type = change.launch->launch_type;
    service.capacity_provider = change.launch->capacity_provider;
  }
  const std::string definition =
      change.definition ? *change.definition->task_definition_arn : primary->task_definition;
  if (service.execute_command) {
    const auto row = find_definition(ecs.tables(ctx.scope), ctx.scope, definition);
    LF_OK(check_execute_command(
        ecs, row ? row->value.definition.task_role_arn.value_or("") : std::string(),
        "service couldn't be updated"));
  }
  const Network network = change.network.value_or(primary->network);
  const std::vector<ServiceTarget> targets = change.targets.value_or(primary->targets);
  LF_OK(check_strategy_targets(service, targets));
  if (in.health_check_grace_period_seconds) {
    if (targets.empty())
      return errors::invalid_parameter(
          "Health check grace period is only valid for services configured to use load balancers");
    service.health_check_grace_s = in.health_check_grace_period_seconds;
  }
  const bool differs = definition != primary->task_definition ||
                       record::to_text(network) != record::to_text(primary->network) ||
                       record::to_text(targets) != record::to_text(primary->targets);
  if (differs || in.force_new_deployment.value_or(false))
    begin_deployment(ecs.random, service, definition, network, targets, ctx.now);
  service.steady = false;
  return true;
}

}  // namespace

task<Result<UpdateServiceResponse>> update_service(Ecs& ecs, const RequestContext& ctx,
                                                   UpdateServiceRequest in) {
  LF_CO_OK(check_service_request(in));
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const auto name = local_name(ctx.scope, "service", cluster.id, in.service);
  const std::string id = cluster.id + "/" + name.value_or("");
  const auto known = name ? tables.services.get(id) : std::nullopt;
  if (!known) co_return errors::service_not_found("Service not found.");
  if (known->value.status != ServiceStatus::active)
    co_return errors::service_not_active("Service was not ACTIVE.");

  Change change{std::move(in), {}, {}, {}, {}};
  if (change.in.task_definition) {
    LF_CO_TRY(definition, find_active_definition(tables, ctx.scope, *change.in.task_definition));
    LF_CO_OK(check_pass_roles(ecs, ctx, definition));
    change.definition = definition;
  }
  if (change.in.network_configuration) {
    LF_CO_TRY(network, check_network(ecs, ctx.scope, change.in.network_configuration));
    change.network = network;
  }
  if (change.in.load_balancers.present) {
    const auto primary =
        std::ranges::find(known->value.deployments, true, &DeploymentRecord::primary);
    if (primary == known->value.deployments.end())
      co_return errors::server("The service has no deployment.");
    LF_CO_TRY(definition,
              find_active_definition(tables, ctx.scope,
                                     change.in.task_definition.value_or(primary->task_definition)));
    LF_CO_TRY(targets, read_targets(ecs, ctx.scope, change.in.load_balancers, definition,
                                    change.network.value_or(primary->network)));
    LF_CO_OK(check_balancer_roles(ecs, ctx, targets));
    change.targets = std::move(targets);
  }
  if (!change.in.capacity_provider_strategy.empty()) {
    LF_CO_TRY(launch, check_launch({}, change.in.capacity_provider_strategy, cluster.value));
    change.launch = launch;
  }
  LF_CO_OK(check_platform_version(change.in.platform_version));
  LF_CO_TRY(row, co_await tables.services.update(
                     id, [&](ServiceRecord& service) { return apply(ecs, ctx, change, service); }));
  UpdateServiceResponse out;
  out.service = describe_service(ecs, ctx.scope, row.value, {.tags = true});
  co_return out;
}

}  // namespace landfall::ecs
