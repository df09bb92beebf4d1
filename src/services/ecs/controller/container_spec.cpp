#include "services/ecs/controller/container_spec.h"

#include "services/ec2/port.h"
#include "services/ecs/controller/task_plan.h"

namespace landfall::ecs {
namespace {

constexpr const char* kCaPath = "/etc/landfall/ca.pem";
constexpr std::uint64_t kMib = 1 << 20;
constexpr std::uint64_t kTaskPids = 4096;

int number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Dependency::On condition(std::string_view name) {
  if (name == "COMPLETE") return Dependency::On::complete;
  if (name == "SUCCESS") return Dependency::On::success;
  if (name == "HEALTHY") return Dependency::On::healthy;
  return Dependency::On::start;
}

// What Fargate sets in every container, and what makes unchanged SDKs find Landfall. The
// definition's own variables win.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
std::map<std::string, std::string> environment(const TaskRecord& task, const ContainerDefinition& c,
                                               const TaskContainer& container,
                                               const ContainerSurroundings& around) {
  std::map<std::string, std::string> out;
  out["AWS_REGION"] = out["AWS_DEFAULT_REGION"] = around.scope.region;
  out["AWS_EXECUTION_ENV"] = "AWS_ECS_FARGATE";
  out["AWS_ENDPOINT_URL"] = fmt::format("http://{}:{}", ec2::kApiAddress, ec2::kApiPort);
  out["ECS_CONTAINER_METADATA_URI_V4"] =
      fmt::format("http://{}/v4/{}", ec2::kCredentialsAddress, container.host_id);
  out["ECS_CONTAINER_METADATA_URI"] =
      fmt::format("http://{}/v3/{}", ec2::kCredentialsAddress, container.host_id);
  if (!task.task_role.empty())
    out["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/" + task.credentials_id;
  if (!around.ca_file.empty()) out["AWS_CA_BUNDLE"] = kCaPath;
  for (const auto& [name, value] : around.environment_files) out[name] = value;
  for (const KeyValuePair& pair : c.environment)
    out[pair.name.value_or("")] = pair.value.value_or("");
  for (const auto& [name, value] : around.secrets) out[name] = value;
  return out;
}

void add_mounts(host::ContainerSpec& spec, const ContainerDefinition& c,
                const ContainerSurroundings& around, bool read_only = false) {
  for (const MountPoint& mount : c.mount_points) {
    const auto source = around.volumes.find(mount.source_volume.value_or(""));
    if (source == around.volumes.end()) continue;
    spec.mounts.push_back({.source = source->second,
                           .destination = mount.container_path.value_or(""),
                           .read_only = read_only || mount.read_only.value_or(false)});
  }
}

}  // namespace

std::vector<ContainerPart> container_parts(const TaskDefinition& definition) {
  std::vector<ContainerPart> parts;
  for (const ContainerDefinition& c : definition.container_definitions) {
    ContainerPart part;
    part.name = c.name.value_or("");
    part.essential = c.essential.value_or(true);
    part.health_check = c.health_check.has_value();
    for (const ContainerDependency& d : c.depends_on)
      part.depends_on.push_back({d.container_name, condition(d.condition)});
    if (c.start_timeout.value_or(0) > 0)
      part.start_timeout = std::chrono::seconds(*c.start_timeout);
    if (c.stop_timeout) part.stop_timeout = std::chrono::seconds(*c.stop_timeout);
    parts.push_back(std::move(part));
  }
  return parts;
}

host::ContainerSpec container_spec(const TaskRecord& task, const TaskDefinition& definition,
                                   std::size_t index, const ContainerSurroundings& around) {
  const ContainerDefinition& c = definition.container_definitions[index];
  const TaskContainer& container = task.containers[index];
  const auto cpu = static_cast<std::uint64_t>(number(task.cpu));
  const auto memory = static_cast<std::uint64_t>(number(task.memory));
  host::ContainerSpec spec;
  spec.id = container.host_id;
  spec.group = task.id;
  // The task's size is a hard limit for its containers together; a container's cpu is its weight
  // among them.
  spec.group_limits = {
      .cpu_quota_millicores = cpu * 1000 / 1024, .memory_bytes = memory * kMib, .pids = kTaskPids};
  spec.limits.cpu_shares = static_cast<std::uint64_t>(std::max(c.cpu.value_or(0), 2));
  spec.limits.memory_bytes = static_cast<std::uint64_t>(c.memory.value_or(0)) * kMib;
  spec.limits.memory_reservation_bytes =
      static_cast<std::uint64_t>(c.memory_reservation.value_or(0)) * kMib;
  spec.image = container.image_digest;
  if (!c.entry_point.empty()) spec.entry_point = c.entry_point;
  if (!c.command.empty()) spec.command = c.command;
  spec.environment = environment(task, c, container, around);
  spec.user = c.user.value_or("");
  spec.working_directory = c.working_directory.value_or("");
  if (task.attachment) spec.hostname = task.attachment->private_dns_name;
  spec.network_namespace = around.namespace_path;
  if (!around.dns_server.empty()) spec.name_servers = {around.dns_server};
  if (!around.search_domain.empty()) spec.search_domains = {around.search_domain};
  if (task.attachment)
    spec.hosts[task.attachment->private_dns_name] = task.attachment->private_address;
  add_mounts(spec, c, around);
  for (const VolumeFrom& from : c.volumes_from) {
    const auto source = std::ranges::find(definition.container_definitions, from.source_container,
                                          &ContainerDefinition::name);
    if (source != definition.container_definitions.end())
      add_mounts(spec, *source, around, from.read_only.value_or(false));
  }
  if (!around.ca_file.empty())
    spec.mounts.push_back({.source = around.ca_file,
                           .destination = kCaPath,
                           .read_only = true,
                           .container_ids = false});
  spec.read_only_root = c.readonly_root_filesystem.value_or(false);
  if (c.linux_parameters) {
    spec.init_process = c.linux_parameters->init_process_enabled.value_or(false);
    if (c.linux_parameters->capabilities) {
      spec.add_capabilities = c.linux_parameters->capabilities->add;
      spec.drop_capabilities = c.linux_parameters->capabilities->drop;
    }
  }
  for (const Ulimit& limit : c.ulimits)
    spec.ulimits.push_back({limit.name, static_cast<std::uint64_t>(limit.soft_limit),
                            static_cast<std::uint64_t>(limit.hard_limit)});
  // The network is the task's: what one container says of it holds for all.
  for (const ContainerDefinition& any : definition.container_definitions) {
    for (const SystemControl& control : any.system_controls)
      spec.sysctls[control.namespace_.value_or("")] = control.value.value_or("");
  }
  spec.labels = {{kOwnerLabel, "ecs"},
                 {kTaskLabel, Arn{"aws", "ecs", around.scope.region, around.scope.account,
                                  fmt::format("task/{}/{}", task.cluster, task.id)}
                                  .str()},
                 {kContainerLabel, c.name.value_or("")}};
  return spec;
}

}  // namespace landfall::ecs
