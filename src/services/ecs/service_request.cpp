#include "services/ecs/service_request.h"

#include <cmath>

#include "services/ecs/describe.h"
#include "wire/ecs/errors.h"

namespace landfall::ecs {

namespace {

constexpr int kMostBakeMinutes = 1440;
constexpr std::size_t kMostAlarms = 100;

// A share of the traffic in tenths of a percent, as load balancers can weigh it.
Result<double> read_percent(std::string_view field, const std::optional<double>& given,
                            double otherwise, double least) {
  const double percent = given.value_or(otherwise);
  const double tenths = std::round(percent * 10);
  if (std::abs(tenths - percent * 10) > 1e-6 || percent < least || percent > 100)
    return errors::invalid_parameter(
        fmt::format("{} must be a multiple of 0.1 between {:.1f} and 100.0.", field, least));
  return tenths / 10;
}

Result<int> read_minutes(std::string_view field, const std::optional<std::int32_t>& given,
                         int otherwise) {
  const int minutes = given.value_or(otherwise);
  if (minutes < 0 || minutes > kMostBakeMinutes)
    return errors::invalid_parameter(
        fmt::format("{} must be between 0 and {}.", field, kMostBakeMinutes));
  return minutes;
}

// How linear and canary deployments move the traffic; what is not said has AWS's default, or stays.
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html
Result<void> apply_steps(const DeploymentConfiguration& c, Strategy before,
                         DeploymentSettings& settings) {
  const bool linear = settings.strategy == Strategy::linear;
  const bool canary = settings.strategy == Strategy::canary;
  if (c.linear_configuration && !linear)
    return errors::invalid_parameter("linearConfiguration is valid with the LINEAR strategy only.");
  if (c.canary_configuration && !canary)
    return errors::invalid_parameter("canaryConfiguration is valid with the CANARY strategy only.");
  const bool stays = settings.strategy == before;
  if (linear) {
    const LinearConfiguration in = c.linear_configuration.value_or(LinearConfiguration{});
    LF_TRY(percent,
           read_percent("stepPercent", in.step_percent, stays ? settings.step_percent : 10, 3));
    LF_TRY(minutes, read_minutes("stepBakeTimeInMinutes", in.step_bake_time_in_minutes,
                                 stays ? settings.step_bake_minutes : 6));
    settings.step_percent = percent;
    settings.step_bake_minutes = minutes;
  } else if (canary) {
    const CanaryConfiguration in = c.canary_configuration.value_or(CanaryConfiguration{});
    LF_TRY(percent, read_percent("canaryPercent", in.canary_percent,
                                 stays ? settings.step_percent : 5, 0.1));
    LF_TRY(minutes, read_minutes("canaryBakeTimeInMinutes", in.canary_bake_time_in_minutes,
                                 stays ? settings.step_bake_minutes : 10));
    settings.step_percent = percent;
    settings.step_bake_minutes = minutes;
  } else {
    settings.step_percent = 0;
    settings.step_bake_minutes = 0;
  }
  return {};
}

// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
Result<void> apply_strategy(const DeploymentConfiguration& c, DeploymentSettings& settings) {
  const Strategy before = settings.strategy;
  if (c.strategy) {
    const auto all = {Strategy::rolling, Strategy::blue_green, Strategy::linear, Strategy::canary};
    const auto* found = std::ranges::find(
        all, *c.strategy, [](Strategy strategy) { return std::string(name_of(strategy)); });
    if (found == all.end())
      return errors::invalid_parameter(
          fmt::format("There is no deployment strategy {}.", *c.strategy));
    settings.strategy = *found;
  }
  if (!c.lifecycle_hooks.empty())
    return errors::invalid_parameter(
        "deploymentConfiguration.lifecycleHooks is not supported: there are no Lambda functions.");
  LF_OK(apply_steps(c, before, settings));
  LF_TRY(bake, read_minutes("bakeTimeInMinutes", c.bake_time_in_minutes, settings.bake_minutes));
  settings.bake_minutes = bake;
  if (settings.strategy == Strategy::rolling) {
    if (c.bake_time_in_minutes.value_or(0) != 0)
      return errors::invalid_parameter("bakeTimeInMinutes is not valid with the ROLLING strategy.");
    settings.bake_minutes = 0;
  }
  return {};
}

Result<void> apply_alarms(const Ecs& ecs, const Scope& scope, const DeploymentAlarms& alarms,
                          DeploymentSettings& settings) {
  if (alarms.enable && !ecs.alarms)
    return errors::invalid_parameter(
        "deploymentConfiguration.alarms is not supported: there are no alarms yet.");
  if (alarms.enable && alarms.alarm_names.empty())
    return errors::invalid_parameter("alarmNames can not be empty when alarms are enabled.");
  if (alarms.alarm_names.size() > kMostAlarms)
    return errors::invalid_parameter(
        fmt::format("alarmNames can have at most {} items.", kMostAlarms));
  for (const std::string& name : alarms.alarm_names) {
    if (alarms.enable && !ecs.alarms->alarm(scope, name))
      return errors::invalid_parameter(fmt::format("The alarm {} does not exist.", name));
  }
  settings.alarms = alarms.alarm_names;
  settings.alarms_enabled = alarms.enable;
  settings.alarms_rollback = alarms.rollback;
  return {};
}

}  // namespace

Result<void> apply_configuration(const Ecs& ecs, const Scope& scope, ServiceRecord& service,
                                 const std::optional<DeploymentConfiguration>& configuration) {
  if (!configuration) return {};
  const DeploymentConfiguration& c = *configuration;
  LF_OK(apply_strategy(c, service.settings));
  if (c.alarms) LF_OK(apply_alarms(ecs, scope, *c.alarms, service.settings));
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

Result<void> check_strategy_targets(const ServiceRecord& service,
                                    const std::vector<ServiceTarget>& targets) {
  const bool two_groups = service.settings.strategy != Strategy::rolling;
  for (const ServiceTarget& target : targets) {
    if (two_groups && target.alternate_group.empty())
      return errors::invalid_parameter(
          fmt::format("advancedConfiguration is required for the target group {} when the "
                      "deployment strategy is {}.",
                      target.target_group, name_of(service.settings.strategy)));
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

namespace {

Result<elbv2::TargetGroupInfo> find_group(const Ecs& ecs, const Scope& scope,
                                          const std::string& arn) {
  auto group = ecs.balancers.find_target_group(scope, arn);
  if (!group)
    return errors::invalid_parameter(
        fmt::format("Unable to find target group with targetGroupArn {}.", arn));
  if (group->target_type != "ip")
    return errors::invalid_parameter(
        fmt::format("The provided target group {} has target type {}, which is incompatible with "
                    "the awsvpc network mode specified in the task definition.",
                    arn, group->target_type));
  return std::move(*group);
}

// Both groups and the rules exist and fit, and the role may do what it is for.
Result<void> read_advanced(const Ecs& ecs, const Scope& scope, const AdvancedConfiguration& in,
                           const elbv2::TargetGroupInfo& group, ServiceTarget& target) {
  target.alternate_group = in.alternate_target_group_arn.value_or("");
  target.production_rule = in.production_listener_rule.value_or("");
  target.test_rule = in.test_listener_rule.value_or("");
  target.role = in.role_arn.value_or("");
  for (const auto& [field, value] : {std::pair("alternateTargetGroupArn", &target.alternate_group),
                                     {"productionListenerRule", &target.production_rule},
                                     {"roleArn", &target.role}}) {
    if (value->empty())
      return errors::invalid_parameter(
          fmt::format("{} is required in advancedConfiguration.", field));
  }
  LF_TRY(other, find_group(ecs, scope, target.alternate_group));
  if (other.arn == group.arn)
    return errors::invalid_parameter(
        "alternateTargetGroupArn must be different from targetGroupArn.");
  if (other.vpc_id != group.vpc_id || other.protocol != group.protocol)
    return errors::invalid_parameter(fmt::format(
        "The target groups {} and {} must have the same VPC and protocol.", group.arn, other.arn));
  if (target.test_rule == target.production_rule)
    return errors::invalid_parameter(
        "testListenerRule must be different from productionListenerRule.");
  for (const std::string& rule : {target.production_rule, target.test_rule}) {
    if (!rule.empty() && !ecs.balancers.traffic(scope, rule))
      return errors::invalid_parameter(
          fmt::format("Unable to find a listener rule with ARN {} that forwards requests.", rule));
  }
  const auto production = ecs.balancers.traffic(scope, target.production_rule);
  if (!production->contains(group.arn) && !production->contains(other.arn))
    return errors::invalid_parameter(
        fmt::format("The production listener rule {} forwards to neither {} nor {}.",
                    target.production_rule, group.arn, other.arn));
  if (!ecs.iam.check_role(target.role, "ecs.amazonaws.com"))
    return errors::invalid_parameter(
        fmt::format("ECS was unable to assume the role '{}': its trust policy must allow "
                    "ecs.amazonaws.com.",
                    target.role));
  return {};
}

}  // namespace

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
    ServiceTarget target{.target_group = balancer.target_group_arn.value_or(""),
                         .container = balancer.container_name.value_or(""),
                         .port = balancer.container_port.value_or(0)};
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
    LF_TRY(group, find_group(ecs, scope, target.target_group));
    if (group.load_balancer_arn.empty())
      return errors::invalid_parameter(
          fmt::format("The target group with targetGroupArn {} does not have an associated load "
                      "balancer.",
                      target.target_group));
    if (subnet && group.vpc_id != subnet->vpc_id)
      return errors::invalid_parameter(
          fmt::format("The target group {} is in {}, the subnets are in {}.", target.target_group,
                      group.vpc_id, subnet->vpc_id));
    if (balancer.advanced_configuration)
      LF_OK(read_advanced(ecs, scope, *balancer.advanced_configuration, group, target));
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

Result<void> check_balancer_roles(const Ecs& ecs, const RequestContext& ctx,
                                  const std::vector<ServiceTarget>& targets) {
  for (const ServiceTarget& target : targets) {
    if (target.role.empty()) continue;
    if (auto passed = ecs.iam.check_pass_role(ctx, target.role, "ecs.amazonaws.com"); !passed)
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
  RolloutRecord rollout;
  for (const DeploymentRecord& d : service.deployments)
    rollout.sources.push_back({d.id, d.desired, 0, 0});
  if (!service.rollouts.empty() && is_open(service.rollouts.front().status)) {
    RolloutRecord& before = service.rollouts.front();
    before.status = RolloutStatus::stopped;
    before.reason = "Service deployment was stopped: a newer one has begun.";
    before.updated_at = before.stopped_at = before.finished_at = now;
    for (Monitor* monitor : {&before.breaker, &before.alarms}) {
      if (*monitor == Monitor::monitoring) *monitor = Monitor::complete;
    }
  }
  DeploymentRecord fresh;
  fresh.id = "ecs-svc/" + random.pick("0123456789", 19);
  fresh.primary = true;
  fresh.task_definition = std::move(task_definition);
  fresh.network = std::move(network);
  fresh.targets = std::move(targets);
  fresh.created_at = fresh.updated_at = now;
  // Green is where the traffic is not. The first deployment has both to itself.
  fresh.alternate = service.settings.strategy != Strategy::rolling && !service.deployments.empty()
                        ? !service.serving_alternate
                        : service.serving_alternate;
  rollout.id = random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 21);
  rollout.service = service.name;
  rollout.target = fresh;
  rollout.launch_type = service.launch_type;
  rollout.capacity_provider = service.capacity_provider;
  rollout.platform_version = service.platform_version;
  rollout.settings = service.settings;
  rollout.configuration = record::encode(describe_configuration(service));
  rollout.created_at = rollout.updated_at = now;
  service.rollouts.insert(service.rollouts.begin(), std::move(rollout));
  service.deployments.insert(service.deployments.begin(), std::move(fresh));
  service.launch_failures = 0;
  service.not_before = {};
  service.throttle_told = service.blocked_told = service.steady = false;
}

}  // namespace landfall::ecs
