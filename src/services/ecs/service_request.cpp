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
  if (in.health_check_grace_period_seconds.value_or(0) < 0)
    return errors::invalid_parameter("healthCheckGracePeriodSeconds must not be negative.");
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

Result<std::vector<ServiceTarget>> read_targets(const Ecs& ecs, const Scope& scope,
                                                const wire::List<LoadBalancer>& balancers,
                                                const TaskDefinition& definition,
                                                const Network& network) {
  std::vector<ServiceTarget> out;
  if (balancers.size() > 5)
    return errors::invalid_parameter("load balancers can have at most 5 items.");
  const auto subnet =
      network.subnets.empty() ? std::nullopt : ecs.ec2.find_subnet(scope, network.subnets.front());
  for (const LoadBalancer& balancer : balancers) {
    if (balancer.load_balancer_name)
      return errors::invalid_parameter(
          "loadBalancerName is not supported: Classic Load Balancers have no place in a VPC with "
          "Fargate tasks. Use a targetGroupArn.");
    if (balancer.advanced_configuration)
      return errors::invalid_parameter(
          "advancedConfiguration is not supported: it belongs to blue/green deployments.");
    ServiceTarget target{balancer.target_group_arn.value_or(""),
                         balancer.container_name.value_or(""), balancer.container_port.value_or(0)};
    if (target.target_group.empty())
      return errors::invalid_parameter("targetGroupArn can not be blank.");
    const auto container = std::ranges::find(definition.container_definitions, target.container,
                                             &ContainerDefinition::name);
    if (container == definition.container_definitions.end())
      return errors::invalid_parameter(
          fmt::format("The container {} does not exist in the task definition.", target.container));
    if (std::ranges::find(container->port_mappings, target.port, [](const PortMapping& p) {
          return p.container_port.value_or(0);
        }) == container->port_mappings.end())
      return errors::invalid_parameter(
          fmt::format("The container {} did not have a container port {} defined.",
                      target.container, target.port));
    const auto group = ecs.balancers.find_target_group(scope, target.target_group);
    if (!group)
      return errors::invalid_parameter(
          fmt::format("Unable to find target group with targetGroupArn {}.", target.target_group));
    if (group->target_type != "ip")
      return errors::invalid_parameter(
          fmt::format("The provided target group {} has target type {}, which is incompatible with "
                      "the awsvpc network mode specified in the task definition.",
                      target.target_group, group->target_type));
    if (group->load_balancer_arn.empty())
      return errors::invalid_parameter(
          fmt::format("The target group with targetGroupArn {} does not have an associated load "
                      "balancer.",
                      target.target_group));
    if (subnet && group->vpc_id != subnet->vpc_id)
      return errors::invalid_parameter(
          fmt::format("The target group {} is in {}, the subnets are in {}.", target.target_group,
                      group->vpc_id, subnet->vpc_id));
    out.push_back(std::move(target));
  }
  return out;
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
                      Network network, std::vector<ServiceTarget> targets, TimePoint now) {
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
  fresh.targets = std::move(targets);
  fresh.created_at = fresh.updated_at = now;
  service.deployments.insert(service.deployments.begin(), std::move(fresh));
  service.launch_failures = 0;
  service.not_before = {};
  service.throttle_told = service.blocked_told = service.steady = false;
}

}  // namespace landfall::ecs
