#include "base/bytes.h"
#include "services/ecs/describe.h"
#include "services/ecs/service_request.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

Result<ServiceRecord> read_service(const Ecs& ecs, const RequestContext& ctx,
                                   const ClusterRecord& cluster, const CreateServiceRequest& in) {
  LF_OK(check_service_request(in));
  if (in.scheduling_strategy.value_or("REPLICA") != "REPLICA")
    return errors::invalid_parameter("The DAEMON scheduling strategy is not supported on Fargate.");
  if (in.role)
    return errors::invalid_parameter(
        "You cannot specify an IAM role for services that require a service linked role.");
  if (in.service_name.empty() || in.service_name.size() > 255 ||
      !std::ranges::all_of(in.service_name,
                           [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; }))
    return errors::invalid_parameter(
        "Service names have letters, digits, hyphens and underscores, up to 255.");
  const Tables tables = ecs.tables(ctx.scope);
  LF_TRY(definition, find_active_definition(tables, ctx.scope, in.task_definition.value_or("")));
  LF_OK(check_pass_roles(ecs, ctx, definition));
  LF_TRY(launch, check_launch(in.launch_type, in.capacity_provider_strategy, cluster));
  LF_TRY(platform, check_platform_version(in.platform_version));
  LF_TRY(network, check_network(ecs, ctx.scope, in.network_configuration));
  LF_TRY(targets, read_targets(ecs, ctx.scope, in.load_balancers, definition, network));
  if (targets.empty() && in.health_check_grace_period_seconds)
    return errors::invalid_parameter(
        "Health check grace period is only valid for services configured to use load balancers");
  LF_TRY(tags, read_tags(in.tags));
  if (!in.desired_count)
    return errors::invalid_parameter("desiredCount is required for REPLICA services.");

  ServiceRecord service;
  service.name = in.service_name;
  service.cluster = cluster.name;
  service.desired_count = *in.desired_count;
  LF_OK(apply_configuration(ecs, ctx.scope, service, in.deployment_configuration));
  LF_OK(check_strategy_targets(service, targets));
  LF_OK(check_balancer_roles(ecs, ctx, targets));
  service.launch_type = launch.launch_type;
  service.capacity_provider = launch.capacity_provider;
  service.platform_version = platform;
  service.propagate_tags = in.propagate_tags.value_or("NONE");
  service.ecs_managed_tags = in.enable_ecs_managed_tags.value_or(false);
  service.execute_command = in.enable_execute_command.value_or(false);
  if (service.execute_command)
    LF_OK(check_execute_command(ecs, definition.task_role_arn.value_or(""),
                                "service couldn't be created"));
  service.availability_zone_rebalancing = in.availability_zone_rebalancing.value_or("DISABLED");
  service.health_check_grace_s = in.health_check_grace_period_seconds;
  service.created_by = ctx.principal.arn;
  service.tags = std::move(tags);
  service.created_at = ctx.now;
  begin_deployment(ecs.random, service, *definition.task_definition_arn, network,
                   std::move(targets), ctx.now);
  return service;
}

}  // namespace

task<Result<CreateServiceResponse>> create_service(Ecs& ecs, const RequestContext& ctx,
                                                   CreateServiceRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const std::string id = cluster.id + "/" + percent_encode(in.service_name);
  const std::string digest = sha256_hex(record::to_text(in));
  CreateServiceResponse out;
  const auto known = tables.services.get(id);
  if (known && known->value.status == ServiceStatus::active) {
    // The same request again is answered as the first time.
    if (known->value.request_digest != digest)
      co_return errors::invalid_parameter("Creation of service was not idempotent.");
    out.service = describe_service(ecs, ctx.scope, known->value, {.tags = true});
    co_return out;
  }
  if (known && known->value.status == ServiceStatus::draining)
    co_return errors::invalid_parameter("Unable to Start a service that is still Draining.");
  LF_CO_TRY(service, read_service(ecs, ctx, cluster.value, in));
  service.client_token = in.client_token.value_or("");
  service.request_digest = digest;
  LF_CO_TRY(done, co_await ecs.store.commit(
                      {{tables.services.unchanged(id, known ? known->revision : 0),
                        tables.clusters.unchanged(cluster.id, cluster.revision)},
                       {ecs.events.forget(service_arn(ctx.scope, cluster.id, service.name)),
                        store::DeletePrefix{tables.rollouts.key(id + "/")},
                        tables.services.put(id, service)}}));
  if (!done.succeeded)
    co_return errors::invalid_parameter("Creation of service was not idempotent.");
  out.service = describe_service(ecs, ctx.scope, service, {.tags = true});
  co_return out;
}

}  // namespace landfall::ecs
