#include "services/ecs/launch.h"

#include "services/ecs/definition/check.h"
#include "services/ecs/definition/fargate_sizes.h"
#include "wire/ecs/errors.h"

namespace landfall::ecs {
namespace {

constexpr std::size_t kMostSubnets = 16;
constexpr std::size_t kMostGroups = 5;

std::optional<std::string> text(int value) {
  return value > 0 ? std::optional(fmt::format("{}", value)) : std::nullopt;
}

}  // namespace

std::string_view machine_architecture() {
#if defined(__aarch64__)
  return "ARM64";
#else
  return "X86_64";
#endif
}

Result<Network> check_network(const Ecs& ecs, const Scope& scope,
                              const std::optional<NetworkConfiguration>& network) {
  if (!network || !network->awsvpc_configuration)
    return errors::invalid_parameter(
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  const AwsVpcConfiguration& vpc = *network->awsvpc_configuration;
  if (vpc.subnets.empty()) return errors::invalid_parameter("subnets can not be empty.");
  if (vpc.subnets.size() > kMostSubnets)
    return errors::invalid_parameter(
        fmt::format("subnets can have at most {} items.", kMostSubnets));
  if (vpc.security_groups.size() > kMostGroups)
    return errors::invalid_parameter(
        fmt::format("securityGroups can have at most {} items.", kMostGroups));
  Network out;
  out.assign_public_ip = vpc.assign_public_ip.value_or("DISABLED") == "ENABLED";
  std::string vpc_id;
  for (const std::string& id : vpc.subnets) {
    const auto subnet = ecs.ec2.find_subnet(scope, id);
    if (!subnet)
      return errors::invalid_parameter(
          fmt::format("Error retrieving subnet information for [{}]: The subnet ID '{}' does not "
                      "exist (ErrorCode: "
                      "InvalidSubnetID.NotFound)",
                      id, id));
    if (vpc_id.empty()) vpc_id = subnet->vpc_id;
    if (subnet->vpc_id != vpc_id)
      return errors::invalid_parameter("All subnets must belong to the same VPC.");
    if (std::ranges::find(out.subnets, id) == out.subnets.end()) out.subnets.push_back(id);
  }
  for (const std::string& id : vpc.security_groups) {
    const auto of = ecs.ec2.vpc_of_security_group(scope, id);
    if (!of)
      return errors::invalid_parameter(
          fmt::format("Error retrieving security group information for [{}]: The security group "
                      "'{}' does not exist "
                      "(ErrorCode: InvalidGroup.NotFound)",
                      id, id));
    if (*of != vpc_id)
      return errors::invalid_parameter(fmt::format(
          "Security group {} does not appear to belong to the same VPC as the input subnets.", id));
    if (std::ranges::find(out.security_groups, id) == out.security_groups.end())
      out.security_groups.push_back(id);
  }
  return out;
}

Result<void> check_strategy(const wire::List<CapacityProviderStrategyItem>& strategy) {
  bool weighted = strategy.empty();
  for (const CapacityProviderStrategyItem& item : strategy) {
    if (item.capacity_provider != "FARGATE" && item.capacity_provider != "FARGATE_SPOT")
      return errors::invalid_parameter(
          fmt::format("The specified capacity provider '{}' was not found. Specify a valid name or "
                      "ARN and try again.",
                      item.capacity_provider));
    weighted = weighted || item.weight.value_or(0) > 0;
  }
  if (!weighted)
    return errors::invalid_parameter(
        "At least one capacity provider must have a weight greater than 0.");
  return {};
}

Result<Launch> check_launch(const std::optional<std::string>& launch_type,
                            const wire::List<CapacityProviderStrategyItem>& strategy,
                            const ClusterRecord& cluster) {
  if (launch_type && !strategy.empty())
    return errors::invalid_parameter(
        "Specifying both a launch type and capacity provider strategy is not supported. "
        "Remove one and try again.");
  if (launch_type) {
    if (*launch_type == "FARGATE") return Launch{"FARGATE", ""};
    return errors::invalid_parameter("No Container Instances were found in your cluster.");
  }
  const auto& effective = strategy.empty() ? cluster.strategy : strategy;
  LF_OK(check_strategy(effective));
  if (effective.empty())
    return errors::invalid_parameter("No Container Instances were found in your cluster.");
  // Both providers are this machine: the one with the highest weight is as good as a mixture.
  const auto first = std::ranges::max_element(
      effective, {},
      [](const CapacityProviderStrategyItem& item) { return item.weight.value_or(0); });
  return Launch{"FARGATE", first->capacity_provider};
}

Result<std::string> check_platform_version(const std::optional<std::string>& version) {
  if (!version || *version == "LATEST" || *version == "1.4.0") return version.value_or("LATEST");
  return errors::platform_unknown(fmt::format(
      "The platform version '{}' is not supported; the platform versions are LATEST and 1.4.0.",
      *version));
}

Result<void> check_overrides(const TaskDefinition& definition, const TaskOverride& overrides) {
  if (!overrides.inference_accelerator_overrides.empty())
    return errors::client("Fargate does not support inferenceAccelerators.");
  LF_OK(check_disk(overrides.ephemeral_storage));
  if (overrides.cpu || overrides.memory)
    LF_OK(parse_task_size(overrides.cpu.value_or(*definition.cpu),
                          overrides.memory.value_or(*definition.memory)));
  for (const ContainerOverride& c : overrides.container_overrides) {
    const auto known =
        std::ranges::find(definition.container_definitions, c.name, &ContainerDefinition::name);
    if (known == definition.container_definitions.end())
      return errors::invalid_parameter(
          fmt::format("Override for container named {} is not a container in the TaskDefinition.",
                      c.name.value_or("")));
    LF_OK(check_environment_files(c.environment_files));
    if (!c.resource_requirements.empty())
      return errors::client("resourceRequirements is not supported: Fargate has no GPUs.");
    for (const KeyValuePair& pair : c.environment) {
      if (pair.name.value_or("").empty())
        return errors::invalid_parameter("The name of an environment variable must not be blank.");
    }
  }
  return {};
}

Result<void> check_roles(const Ecs& ecs, const std::string& task_role,
                         const std::string& execution_role) {
  for (const std::string& role : {task_role, execution_role}) {
    if (role.empty() || ecs.iam.check_role(role, "ecs-tasks.amazonaws.com")) continue;
    return errors::client(
        fmt::format("ECS was unable to assume the role '{}' that was provided for this task. "
                    "Please verify that the role being "
                    "passed has the proper trust relationship and permissions and that your IAM "
                    "user has permissions to pass "
                    "this role.",
                    role));
  }
  return {};
}

Result<void> check_execute_command(const Ecs& ecs, const std::string& task_role,
                                   std::string_view what) {
  if (!ecs.sessions)
    return errors::invalid_parameter("enableExecuteCommand is not supported here.");
  if (task_role.empty())
    return errors::invalid_parameter(fmt::format(
        "The {} because a valid taskRoleArn is not being used. Specify a valid task role in your "
        "task definition and try again.",
        what));
  return {};
}

TaskDefinition with_overrides(TaskDefinition definition, const TaskOverride& overrides) {
  if (overrides.cpu) definition.cpu = overrides.cpu;
  if (overrides.memory) definition.memory = overrides.memory;
  if (overrides.task_role_arn) definition.task_role_arn = overrides.task_role_arn;
  if (overrides.ephemeral_storage) definition.ephemeral_storage = overrides.ephemeral_storage;
  if (overrides.execution_role_arn) definition.execution_role_arn = overrides.execution_role_arn;
  for (const ContainerOverride& change : overrides.container_overrides) {
    const auto c = std::ranges::find(definition.container_definitions, change.name,
                                     &ContainerDefinition::name);
    if (c == definition.container_definitions.end()) continue;
    if (!change.command.empty()) c->command = change.command;
    if (change.cpu) c->cpu = change.cpu;
    if (change.memory) c->memory = change.memory;
    if (change.memory_reservation) c->memory_reservation = change.memory_reservation;
    if (!change.environment_files.empty()) c->environment_files = change.environment_files;
    for (const KeyValuePair& pair : change.environment) {
      const auto known = std::ranges::find(c->environment, pair.name, &KeyValuePair::name);
      if (known == c->environment.end()) {
        c->environment.push_back(pair);
      } else {
        known->value = pair.value;
      }
    }
  }
  if (const auto size =
          parse_task_size(definition.cpu.value_or(""), definition.memory.value_or(""))) {
    definition.cpu = fmt::format("{}", size->cpu_units);
    definition.memory = fmt::format("{}", size->memory_mib);
  }
  return definition;
}

TaskRecord new_task(Random& random, TimePoint now, const TaskDefinition& definition,
                    NewTask request) {
  const TaskDefinition effective =
      with_overrides(definition, request.overrides.value_or(TaskOverride{}));
  TaskRecord task;
  task.id = random.hex(32);
  task.cluster = std::move(request.cluster);
  task.task_definition = definition.task_definition_arn.value_or("");
  task.family = definition.family.value_or("");
  task.service = std::move(request.service);
  task.deployment = std::move(request.deployment);
  task.started_by = std::move(request.started_by);
  task.group = request.group.empty() ? "family:" + task.family : std::move(request.group);
  task.launch_type = request.launch.launch_type;
  task.capacity_provider = request.launch.capacity_provider;
  task.architecture = machine_architecture() == "ARM64" ? "arm64" : "x86_64";
  task.network = std::move(request.network);
  task.subnet = std::move(request.subnet);
  task.cpu = effective.cpu.value_or("");
  task.memory = effective.memory.value_or("");
  if (effective.ephemeral_storage) task.ephemeral_gib = effective.ephemeral_storage->size_in_gi_b;
  task.task_role = effective.task_role_arn.value_or("");
  task.execution_role = effective.execution_role_arn.value_or("");
  if (request.overrides) task.overrides = record::encode(*request.overrides);
  for (ServiceTarget& target : request.targets)
    task.targets.push_back(
        {std::move(target.target_group), std::move(target.container), target.port});
  task.tags = std::move(request.tags);
  task.credentials_id = random.uuid();
  task.execute_command = request.execute_command;
  task.created_at = now;
  for (const ContainerDefinition& c : effective.container_definitions) {
    TaskContainer container;
    container.name = c.name.value_or("");
    container.id = random.uuid();
    container.host_id = fmt::format("{}-{}", task.id, task.containers.size());
    container.image = c.image.value_or("");
    container.cpu = fmt::format("{}", c.cpu.value_or(0));
    container.memory = text(c.memory.value_or(0)).value_or("");
    container.memory_reservation = text(c.memory_reservation.value_or(0)).value_or("");
    container.essential = c.essential.value_or(true);
    container.has_health_check = c.health_check.has_value();
    task.containers.push_back(std::move(container));
  }
  return task;
}

}  // namespace landfall::ecs
