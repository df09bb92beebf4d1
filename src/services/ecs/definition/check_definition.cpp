#include "services/ecs/definition/check.h"
#include "wire/ecs/errors.h"

namespace landfall::ecs {
namespace {

const ContainerDefinition* find(const TaskDefinition& definition, std::string_view name) {
  for (const ContainerDefinition& c : definition.container_definitions) {
    if (c.name == name) return &c;
  }
  return nullptr;
}

Result<void> check_launch(const RegisterTaskDefinitionRequest& in, std::string_view machine) {
  if (in.requires_compatibilities.given() && !in.requires_compatibilities.empty() &&
      std::ranges::find(in.requires_compatibilities, "FARGATE") ==
          in.requires_compatibilities.end())
    return errors::client(
        fmt::format("requiresCompatibilities {} is not supported: tasks run on Fargate here.",
                    in.requires_compatibilities.front()));
  if (in.network_mode.value_or("") != "awsvpc")
    return errors::client("Fargate only supports network mode ‘awsvpc’.");
  if (!in.placement_constraints.empty())
    return errors::client("Fargate does not support placement constraints.");
  if (in.pid_mode)
    return errors::client("pidMode is not supported: every container has processes of its own.");
  if (in.ipc_mode) return errors::client("Fargate does not support ipcMode.");
  if (in.proxy_configuration)
    return errors::client("proxyConfiguration is not supported: there is no App Mesh.");
  if (!in.inference_accelerators.empty())
    return errors::client("Fargate does not support inferenceAccelerators.");
  if (in.enable_fault_injection.value_or(false))
    return errors::client(
        "enableFaultInjection is not supported: there is no fault injection service.");
  LF_OK(check_disk(in.ephemeral_storage));
  if (!in.runtime_platform) return {};
  const std::string family = in.runtime_platform->operating_system_family.value_or("LINUX");
  if (family != "LINUX")
    return errors::client(
        fmt::format("runtimePlatform.operatingSystemFamily {} is not supported: this is a Linux "
                    "machine.",
                    family));
  const std::string architecture =
      in.runtime_platform->cpu_architecture.value_or(std::string(machine));
  if (architecture != machine)
    return errors::client(
        fmt::format("runtimePlatform.cpuArchitecture {} is not supported: this machine is {}.",
                    architecture, machine));
  return {};
}

// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-efs-config.html
Result<void> check_efs(const std::string& name, const EFSVolumeConfiguration& efs) {
  auto refused = [&](std::string_view why) {
    return errors::client(fmt::format("Volume '{}': {}", name, why));
  };
  const bool encrypted = efs.transit_encryption.value_or("DISABLED") == "ENABLED";
  const std::string root = efs.root_directory.value_or("/");
  if (!efs.file_system_id.starts_with("fs-"))
    return refused("fileSystemId must be the ID of an EFS file system.");
  if (!root.starts_with('/')) return refused("rootDirectory must be an absolute path.");
  if (efs.transit_encryption_port)
    return refused("transitEncryptionPort is not supported: nothing is sent over a network.");
  if (!efs.authorization_config) return {};
  const EFSAuthorizationConfig& how = *efs.authorization_config;
  if ((how.access_point_id || how.iam.value_or("DISABLED") == "ENABLED") && !encrypted)
    return refused(
        "Transit encryption must be enabled when an access point or IAM authorization is used.");
  if (how.access_point_id && root != "/")
    return refused("rootDirectory must be omitted or '/' when an access point is used.");
  return {};
}

Result<void> check_volumes(const TaskDefinition& definition) {
  std::set<std::string> names;
  for (const Volume& volume : definition.volumes) {
    if (volume.name.value_or("").empty())
      return errors::client("Volume name should not be null or empty.");
    if (!names.insert(*volume.name).second)
      return errors::client(fmt::format("Duplicate volume name: {}", *volume.name));
    if (volume.host && volume.host->source_path)
      return errors::client("host.sourcePath should not be set for volumes in Fargate.");
    if (volume.docker_volume_configuration)
      return errors::client(
          "Fargate compatible task definitions do not support docker volume configurations.");
    if (volume.efs_volume_configuration) {
      LF_OK(check_efs(*volume.name, *volume.efs_volume_configuration));
      if (volume.host)
        return errors::client(
            fmt::format("Volume '{}' has both host and efsVolumeConfiguration.", *volume.name));
    }
    if (volume.s3files_volume_configuration ||
        volume.fsx_windows_file_server_volume_configuration ||
        volume.configured_at_launch.value_or(false))
      return errors::client(fmt::format(
          "Volume '{}' is not supported: a volume is a folder that lives as long as its task, or "
          "one of an EFS file system.",
          *volume.name));
  }
  for (const ContainerDefinition& c : definition.container_definitions) {
    std::set<std::string> paths;
    for (const MountPoint& mount : c.mount_points) {
      if (!names.contains(mount.source_volume.value_or("")))
        return errors::client(
            fmt::format("Unknown volume '{}'.", mount.source_volume.value_or("")));
      if (!mount.container_path.value_or("").starts_with('/'))
        return errors::client(
            fmt::format("containerPath '{}' of container '{}' is not an absolute path.",
                        mount.container_path.value_or(""), *c.name));
      if (!paths.insert(*mount.container_path).second)
        return errors::client(fmt::format("Container '{}' mounts two volumes at '{}'.", *c.name,
                                          *mount.container_path));
    }
    for (const VolumeFrom& from : c.volumes_from) {
      if (!find(definition, from.source_container.value_or("")) || from.source_container == c.name)
        return errors::client(
            fmt::format("Unknown container '{}' in volumesFrom of container '{}'.",
                        from.source_container.value_or(""), *c.name));
    }
  }
  return {};
}

// Containers of a task share one network: a port belongs to one of them.
Result<void> check_port_clashes(const TaskDefinition& definition) {
  std::map<std::pair<std::string, int>, std::string> owners;
  std::set<std::string> names;
  for (const ContainerDefinition& c : definition.container_definitions) {
    for (const PortMapping& mapping : c.port_mappings) {
      int from = mapping.container_port.value_or(0);
      int to = from;
      if (mapping.container_port_range)
        std::sscanf(mapping.container_port_range->c_str(), "%d-%d", &from, &to);
      for (int port = from; port <= to; ++port) {
        const auto [known, fresh] = owners.try_emplace({*mapping.protocol, port}, *c.name);
        if (!fresh)
          return errors::client(fmt::format(
              "Port {}/{} is mapped by container '{}' and by container '{}': containers "
              "of an awsvpc task share one network interface.",
              port, *mapping.protocol, known->second, *c.name));
      }
      if (mapping.name && !names.insert(*mapping.name).second)
        return errors::client(fmt::format("Duplicate port mapping name: {}", *mapping.name));
    }
  }
  return {};
}

bool reaches(const TaskDefinition& definition, const ContainerDefinition& from,
             const std::string& target, std::set<std::string>& seen) {
  for (const ContainerDependency& dependency : from.depends_on) {
    if (dependency.container_name == target) return true;
    const ContainerDefinition* next = find(definition, dependency.container_name);
    if (next && seen.insert(dependency.container_name).second &&
        reaches(definition, *next, target, seen))
      return true;
  }
  return false;
}

Result<void> check_dependencies(const TaskDefinition& definition) {
  for (const ContainerDefinition& c : definition.container_definitions) {
    for (const ContainerDependency& dependency : c.depends_on) {
      const ContainerDefinition* on = find(definition, dependency.container_name);
      if (!on)
        return errors::client(
            fmt::format("Container '{}' depends on container '{}', which is not in the task "
                        "definition.",
                        *c.name, dependency.container_name));
      if (dependency.condition == "HEALTHY" && !on->health_check)
        return errors::client(
            fmt::format("Container '{}' depends on container '{}' being HEALTHY, which has no "
                        "healthCheck.",
                        *c.name, *on->name));
      if ((dependency.condition == "COMPLETE" || dependency.condition == "SUCCESS") &&
          on->essential.value_or(true))
        return errors::client(
            fmt::format("A dependency with condition {} cannot be on an essential container: '{}'.",
                        dependency.condition, *on->name));
    }
    std::set<std::string> seen;
    if (reaches(definition, c, *c.name, seen))
      return errors::client(
          fmt::format("Container '{}' depends on itself: dependsOn has a cycle.", *c.name));
  }
  return {};
}

Result<void> check_sizes(const TaskDefinition& definition, const TaskSize& size) {
  int cpu = 0;
  int reserved = 0;
  for (const ContainerDefinition& c : definition.container_definitions) {
    cpu += c.cpu.value_or(0);
    reserved += c.memory_reservation.value_or(c.memory.value_or(0));
    if (c.memory.value_or(0) > size.memory_mib)
      return errors::client(
          fmt::format("Invalid setting for container '{}'. 'memory' must not be greater than the "
                      "task's {} MiB.",
                      *c.name, size.memory_mib));
  }
  if (cpu > size.cpu_units)
    return errors::client(
        fmt::format("The 'cpu' of the containers together ({}) must not be greater than the task's "
                    "({}).",
                    cpu, size.cpu_units));
  if (reserved > size.memory_mib)
    return errors::client(
        fmt::format("The memory of the containers together ({} MiB) must not be greater than the "
                    "task's ({} MiB).",
                    reserved, size.memory_mib));
  return {};
}

Result<void> check_execution_role(const TaskDefinition& definition) {
  if (!definition.execution_role_arn.value_or("").empty()) return {};
  for (const ContainerDefinition& c : definition.container_definitions) {
    if (is_ecr_image(*c.image))
      return errors::client(
          "Fargate requires task definition to have execution role ARN to support ECR images.");
    if (c.log_configuration)
      return errors::client(
          "Fargate requires task definition to have execution role ARN to support log driver "
          "awslogs.");
    if (!c.secrets.empty())
      return errors::client(
          "When you are specifying container secrets, you must also specify a value for "
          "'executionRoleArn'.");
  }
  return {};
}

}  // namespace

Result<void> check_disk(const std::optional<EphemeralStorage>& storage) {
  constexpr int kLeastGib = 21, kMostGib = 200;
  if (!storage || (storage->size_in_gi_b >= kLeastGib && storage->size_in_gi_b <= kMostGib))
    return {};
  return errors::client(
      fmt::format("Ephemeral storage size must be between {} and {} GiB.", kLeastGib, kMostGib));
}

Result<void> check_environment_files(const wire::List<EnvironmentFile>& files) {
  constexpr std::size_t kMostFiles = 10;
  if (files.size() > kMostFiles)
    return errors::client(
        fmt::format("A container can have at most {} environment files.", kMostFiles));
  for (const EnvironmentFile& file : files) {
    if (!file.value.starts_with("arn:aws:s3:::") || !file.value.ends_with(".env"))
      return errors::client(fmt::format(
          "The environment file '{}' must be the ARN of an S3 object whose name ends in .env.",
          file.value));
  }
  return {};
}

Result<TaskDefinition> check_definition(RegisterTaskDefinitionRequest in,
                                        std::string_view machine) {
  if (in.family.empty() || in.family.size() > 255 ||
      !std::ranges::all_of(in.family,
                           [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; }))
    return errors::client(
        "Family contains invalid characters: letters, digits, hyphens and underscores, up to 255.");
  LF_OK(check_launch(in, machine));
  if (in.container_definitions.empty()) return errors::client("Container list cannot be empty.");
  LF_TRY(size, parse_task_size(in.cpu.value_or(""), in.memory.value_or("")));

  TaskDefinition out;
  out.family = std::move(in.family);
  out.cpu = fmt::format("{}", size.cpu_units);
  out.memory = fmt::format("{}", size.memory_mib);
  out.network_mode = "awsvpc";
  out.task_role_arn = std::move(in.task_role_arn);
  out.execution_role_arn = std::move(in.execution_role_arn);
  out.runtime_platform = std::move(in.runtime_platform);
  out.container_definitions = std::move(in.container_definitions);
  out.volumes = std::move(in.volumes);
  out.ephemeral_storage = in.ephemeral_storage;
  out.requires_compatibilities = std::move(in.requires_compatibilities);
  out.compatibilities = {"EC2", "FARGATE"};
  out.volumes.present = out.placement_constraints.present = true;

  std::set<std::string> names;
  bool essential = false;
  for (ContainerDefinition& c : out.container_definitions) {
    LF_OK(check_container(c));
    if (!names.insert(*c.name).second)
      return errors::client(fmt::format("Duplicate container name: {}", *c.name));
    essential = essential || *c.essential;
  }
  if (names.size() > 10) return errors::client("A task definition has at most 10 containers.");
  if (!essential)
    return errors::client("At least one container of a task definition must be essential.");
  LF_OK(check_volumes(out));
  LF_OK(check_port_clashes(out));
  LF_OK(check_dependencies(out));
  LF_OK(check_sizes(out, size));
  LF_OK(check_execution_role(out));
  return out;
}

}  // namespace landfall::ecs
