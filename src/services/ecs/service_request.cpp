#include "services/ecs/service_request.h"

#include "wire/ecs/errors.h"

namespace landfall::ecs {

Result<void> apply_configuration(ServiceRecord& service,
                                 const std::optional<DeploymentConfiguration>& configuration) {
  if (!configuration) return {};
  const DeploymentConfiguration& c = *configuration;
  if (c.strategy && *c.strategy != "ROLLING")
    return errors::invalid_parameter(fmt::format(
        "deploymentConfiguration.strategy {} is not supported: deployments are ROLLING.",
        *c.strategy));
  if (c.alarms && c.alarms->enable)
    return errors::invalid_parameter(
        "deploymentConfiguration.alarms is not supported: there are no alarms yet.");
  if (!c.lifecycle_hooks.empty() || c.linear_configuration || c.canary_configuration ||
      c.bake_time_in_minutes.value_or(0) != 0)
    return errors::invalid_parameter(
        "deploymentConfiguration: lifecycleHooks, bakeTimeInMinutes, linear and canary deployments "
        "are not supported.");
  if (c.maximum_percent) service.maximum_percent = *c.maximum_percent;
  if (c.minimum_healthy_percent) service.minimum_healthy_percent = *c.minimum_healthy_percent;
  if (service.minimum_healthy_percent < 0 || service.minimum_healthy_percent > 100)
    return errors::invalid_parameter("minimumHealthyPercent must be between 0 and 100.");
  if (service.maximum_percent < 100 || service.maximum_percent > 200)
    return errors::invalid_parameter("maximumPercent must be between 100 and 200.");
  if (service.maximum_percent == 100 && service.minimum_healthy_percent == 100)
    return errors::invalid_parameter(
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block "
        "deployments.");
  if (c.deployment_circuit_breaker) {
    service.breaker = c.deployment_circuit_breaker->enable;
    service.breaker_rollback = c.deployment_circuit_breaker->rollback;
  }
  return {};
}

template <class Request>
Result<void> check_service_request(const Request& in) {
  auto refuse = [](std::string_view field, std::string_view why) {
    return errors::invalid_parameter(fmt::format("{} is not supported: {}.", field, why));
  };
  if (!in.load_balancers.empty()) return refuse("loadBalancers", "there are no load balancers yet");
  if (!in.service_registries.empty())
    return refuse("serviceRegistries", "there is no service discovery");
  if (in.service_connect_configuration && in.service_connect_configuration->enabled)
    return refuse("serviceConnectConfiguration", "there is no Service Connect");
  if (!in.volume_configurations.empty())
    return refuse("volumeConfigurations", "tasks have no EBS volumes");
  if (!in.vpc_lattice_configurations.empty())
    return refuse("vpcLatticeConfigurations", "there is no VPC Lattice");
  if (in.enable_execute_command.value_or(false))
    return refuse("enableExecuteCommand", "there is no ECS Exec");
  if (!in.placement_constraints.empty() || !in.placement_strategy.empty())
    return errors::invalid_parameter(
        "Placement constraints and strategies are not supported on Fargate.");
  if (in.deployment_controller && in.deployment_controller->type != "ECS")
    return refuse(fmt::format("deploymentController {}", in.deployment_controller->type),
                  "the scheduler's rolling update (ECS) is the one controller");
  if (in.health_check_grace_period_seconds.value_or(0) != 0)
    return errors::invalid_parameter(
        "Health check grace period is only valid for services configured to use load balancers");
  if (in.desired_count.value_or(0) < 0)
    return errors::invalid_parameter("desiredCount must not be negative.");
  if (in.desired_count.value_or(0) > 1000)
    return errors::invalid_parameter("desiredCount must not be above 1000 on one machine.");
  return {};
}

template Result<void> check_service_request(const CreateServiceRequest&);
template Result<void> check_service_request(const UpdateServiceRequest&);

Result<TaskDefinition> find_active_definition(const Tables& tables, const Scope& scope,
                                              const std::string& reference) {
  if (reference.empty()) return errors::invalid_parameter("TaskDefinition can not be blank.");
  const auto row = find_definition(tables, scope, reference);
  if (!row) return errors::client("TaskDefinition not found.");
  if (row->value.definition.status != "ACTIVE") return errors::client("TaskDefinition is inactive");
  return row->value.definition;
}

Result<void> check_pass_roles(const Ecs& ecs, const RequestContext& ctx,
                              const TaskDefinition& definition) {
  LF_OK(check_roles(ecs, definition.task_role_arn.value_or(""),
                    definition.execution_role_arn.value_or("")));
  for (const auto& role : {definition.task_role_arn, definition.execution_role_arn}) {
    if (!role || role->empty()) continue;
    if (auto passed = ecs.iam.check_pass_role(ctx, *role, "ecs-tasks.amazonaws.com"); !passed)
      return errors::access_denied(passed.error().message);
  }
  return {};
}

void begin_deployment(Random& random, ServiceRecord& service, std::string task_definition,
                      Network network, TimePoint now) {
  for (DeploymentRecord& d : service.deployments) {
    if (!d.primary) continue;
    d.primary = false;
    d.desired = service.desired_count;
    d.updated_at = now;
  }
  DeploymentRecord fresh;
  fresh.id = "ecs-svc/" + random.pick("0123456789", 19);
  fresh.primary = true;
  fresh.task_definition = std::move(task_definition);
  fresh.network = std::move(network);
  fresh.created_at = fresh.updated_at = now;
  service.deployments.insert(service.deployments.begin(), std::move(fresh));
  service.launch_failures = 0;
  service.not_before = {};
  service.throttle_told = service.blocked_told = service.steady = false;
}

}  // namespace landfall::ecs
