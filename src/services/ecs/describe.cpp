#include "services/ecs/describe.h"

#include "wire/ecs/errors.h"

namespace landfall::ecs {
namespace {

std::optional<TimePoint> moment(TimePoint t) {
  return t == TimePoint{} ? std::nullopt : std::optional(t);
}

std::optional<std::string> text(const std::string& s) {
  return s.empty() ? std::nullopt : std::optional(s);
}

constexpr std::size_t kMostTags = 50;

struct Counts {
  int running = 0;
  int pending = 0;
};

void count(Counts& counts, const TaskRecord& task) {
  if (task.status == TaskStatus::running) ++counts.running;
  if (task.status < TaskStatus::running && !task.stop_wanted) ++counts.pending;
}

std::string_view rollout_name(Rollout rollout) {
  switch (rollout) {
    case Rollout::completed:
      return "COMPLETED";
    case Rollout::failed:
      return "FAILED";
    case Rollout::in_progress:
      break;
  }
  return "IN_PROGRESS";
}

Deployment describe_deployment(const ServiceRecord& service, const DeploymentRecord& deployment,
                               const Counts& counts) {
  Deployment out;
  out.id = deployment.id;
  out.status = deployment.primary ? "PRIMARY" : "ACTIVE";
  out.task_definition = deployment.task_definition;
  out.desired_count = deployment.primary ? service.desired_count : deployment.desired;
  out.pending_count = counts.pending;
  out.running_count = counts.running;
  out.failed_tasks = deployment.failed_tasks;
  out.created_at = deployment.created_at;
  out.updated_at = deployment.updated_at;
  if (service.capacity_provider.empty()) {
    out.launch_type = service.launch_type;
  } else {
    out.capacity_provider_strategy.push_back({service.capacity_provider, 1, 0});
  }
  out.platform_version = "1.4.0";
  out.platform_family = "Linux";
  out.network_configuration = to_api(deployment.network);
  out.rollout_state = std::string(rollout_name(deployment.rollout));
  out.rollout_state_reason = deployment.rollout_reason.empty()
                                 ? fmt::format("ECS deployment {} in progress.", deployment.id)
                                 : deployment.rollout_reason;
  return out;
}

Attachment describe_interface(const TaskRecord& task) {
  Attachment out;
  const TaskInterface& interface = *task.attachment;
  out.id = interface.id;
  out.type = "ElasticNetworkInterface";
  out.status = task.status == TaskStatus::stopped    ? "DELETED"
               : task.connectivity_at == TimePoint{} ? "ATTACHING"
                                                     : "ATTACHED";
  auto detail = [&](std::string name, const std::string& value) {
    if (!value.empty()) out.details.push_back({std::move(name), value});
  };
  detail("subnetId", interface.subnet_id);
  detail("networkInterfaceId", interface.interface_id);
  detail("macAddress", interface.mac);
  detail("privateDnsName", interface.private_dns_name);
  detail("privateIPv4Address", interface.private_address);
  return out;
}

Container describe_container(const Scope& scope, const TaskRecord& task,
                             const TaskContainer& container) {
  Container out;
  out.container_arn = container_arn(scope, task, container);
  out.task_arn = task_arn(scope, task.cluster, task.id);
  out.name = container.name;
  out.image = container.image;
  out.image_digest = text(container.image_digest);
  if (container.started_at != TimePoint{} || task.status >= TaskStatus::activating)
    out.runtime_id = container.host_id;
  out.last_status = std::string(name_of(container.status));
  out.exit_code = container.exit_code;
  out.reason = text(container.reason);
  out.network_bindings.present = true;
  out.network_interfaces.present = true;
  if (task.attachment)
    out.network_interfaces.push_back({task.attachment->id, task.attachment->private_address, {}});
  out.health_status = std::string(name_of(container.health));
  if (task.execute_command) {
    ManagedAgent& agent = out.managed_agents.emplace_back();
    agent.name = "ExecuteCommandAgent";
    agent.last_status = std::string(name_of(container.status));
    agent.last_started_at = moment(container.started_at);
  }
  out.cpu = container.cpu;
  out.memory = text(container.memory);
  out.memory_reservation = text(container.memory_reservation);
  return out;
}

}  // namespace

wire::List<Tag> to_api(const std::vector<TagRecord>& tags) {
  wire::List<Tag> out;
  out.present = true;
  for (const TagRecord& tag : tags) out.push_back({tag.key, tag.value});
  return out;
}

Result<std::vector<TagRecord>> read_tags(const wire::List<Tag>& tags) {
  std::vector<TagRecord> out;
  for (const Tag& tag : tags) {
    const std::string key = tag.key.value_or("");
    if (key.empty()) return errors::invalid_parameter("Tag key can not be blank.");
    if (key.starts_with("aws:"))
      return errors::invalid_parameter("Tag keys that start with 'aws:' are reserved.");
    if (std::ranges::find(out, key, &TagRecord::key) != out.end())
      return errors::invalid_parameter(fmt::format("Duplicate tag key: {}", key));
    out.push_back({key, tag.value.value_or("")});
  }
  if (out.size() > kMostTags)
    return errors::invalid_parameter(fmt::format("A resource has at most {} tags.", kMostTags));
  return out;
}

Result<void> merge_tags(std::vector<TagRecord>& into, const std::vector<TagRecord>& more) {
  for (const TagRecord& tag : more) {
    const auto known = std::ranges::find(into, tag.key, &TagRecord::key);
    if (known == into.end()) {
      into.push_back(tag);
    } else {
      known->value = tag.value;
    }
  }
  if (into.size() > kMostTags)
    return errors::invalid_parameter(fmt::format("A resource has at most {} tags.", kMostTags));
  return {};
}

Cluster describe_cluster(const Tables& tables, const Scope& scope, const ClusterRecord& cluster) {
  Cluster out;
  out.cluster_arn = cluster_arn(scope, cluster.name);
  out.cluster_name = cluster.name;
  out.status = cluster.active ? "ACTIVE" : "INACTIVE";
  Counts counts;
  for (const auto& row : tables.tasks.list(cluster.name + "/")) count(counts, row.value);
  int services = 0;
  for (const auto& row : tables.services.list(cluster.name + "/")) {
    if (row.value.status == ServiceStatus::active) ++services;
  }
  out.registered_container_instances_count = 0;
  out.running_tasks_count = counts.running;
  out.pending_tasks_count = counts.pending;
  out.active_services_count = services;
  out.statistics.present = true;
  out.tags.present = true;
  out.settings.present = true;
  out.capacity_providers = cluster.capacity_providers;
  out.capacity_providers.present = true;
  out.default_capacity_provider_strategy = cluster.strategy;
  out.default_capacity_provider_strategy.present = true;
  return out;
}

wire::List<ClusterSetting> shown_settings(const ClusterRecord& cluster) {
  wire::List<ClusterSetting> out = cluster.settings;
  if (std::ranges::find(out, "containerInsights", &ClusterSetting::name) == out.end())
    out.push_back({"containerInsights", "disabled"});
  return out;
}

Result<void> check_settings(const wire::List<ClusterSetting>& settings) {
  for (const ClusterSetting& setting : settings) {
    if (setting.name != "containerInsights")
      return errors::invalid_parameter(
          fmt::format("There is no cluster setting '{}'.", setting.name.value_or("")));
    if (setting.value != "disabled" && setting.value != "enabled" && setting.value != "enhanced")
      return errors::invalid_parameter(
          "The value of containerInsights is enabled, enhanced or disabled.");
  }
  return {};
}

NetworkConfiguration to_api(const Network& network) {
  AwsVpcConfiguration vpc;
  vpc.subnets = network.subnets;
  vpc.security_groups = network.security_groups;
  vpc.assign_public_ip = network.assign_public_ip ? "ENABLED" : "DISABLED";
  return {vpc};
}

LoadBalancer to_api(const ServiceTarget& target) {
  LoadBalancer out;
  out.target_group_arn = target.target_group;
  out.container_name = target.container;
  out.container_port = target.port;
  if (target.alternate_group.empty()) return out;
  AdvancedConfiguration advanced;
  advanced.alternate_target_group_arn = target.alternate_group;
  advanced.production_listener_rule = target.production_rule;
  advanced.test_listener_rule = text(target.test_rule);
  advanced.role_arn = target.role;
  out.advanced_configuration = std::move(advanced);
  return out;
}

DeploymentConfiguration describe_configuration(const ServiceRecord& service) {
  DeploymentConfiguration out;
  const DeploymentSettings& settings = service.settings;
  out.deployment_circuit_breaker = {service.breaker, service.breaker_rollback};
  out.maximum_percent = service.maximum_percent;
  out.minimum_healthy_percent = service.minimum_healthy_percent;
  out.strategy = name_of(settings.strategy);
  if (settings.strategy == Strategy::linear)
    out.linear_configuration =
        LinearConfiguration{settings.step_percent, settings.step_bake_minutes};
  if (settings.strategy == Strategy::canary)
    out.canary_configuration =
        CanaryConfiguration{settings.step_percent, settings.step_bake_minutes};
  out.bake_time_in_minutes = settings.bake_minutes;
  if (!settings.alarms.empty() || settings.alarms_enabled) {
    DeploymentAlarms alarms;
    alarms.alarm_names.assign(settings.alarms.begin(), settings.alarms.end());
    alarms.enable = settings.alarms_enabled;
    alarms.rollback = settings.alarms_rollback;
    out.alarms = std::move(alarms);
  }
  return out;
}

Service describe_service(const Ecs& ecs, const Scope& scope, const ServiceRecord& service,
                         ServiceParts parts) {
  Service out;
  out.service_arn = service_arn(scope, service.cluster, service.name);
  out.service_name = service.name;
  out.cluster_arn = cluster_arn(scope, service.cluster);
  out.load_balancers.present = true;
  for (const DeploymentRecord& deployment : service.deployments) {
    if (!deployment.primary) continue;
    for (const ServiceTarget& target : deployment.targets)
      out.load_balancers.push_back(to_api(target));
  }
  out.service_registries.present = true;
  out.status = service.status == ServiceStatus::active     ? "ACTIVE"
               : service.status == ServiceStatus::draining ? "DRAINING"
                                                           : "INACTIVE";
  out.desired_count = service.desired_count;
  Counts total;
  std::map<std::string, Counts> by_deployment;
  for (const auto& row : ecs.tables(scope).tasks_of_service(service)) {
    count(total, row.value);
    count(by_deployment[row.value.deployment], row.value);
  }
  out.running_count = total.running;
  out.pending_count = total.pending;
  if (service.capacity_provider.empty()) {
    out.launch_type = service.launch_type;
  } else {
    out.capacity_provider_strategy.push_back({service.capacity_provider, 1, 0});
  }
  out.platform_version = service.platform_version;
  out.platform_family = "Linux";
  out.deployment_configuration = describe_configuration(service);
  out.deployments.present = true;
  for (const DeploymentRecord& deployment : service.deployments) {
    out.deployments.push_back(
        describe_deployment(service, deployment, by_deployment[deployment.id]));
    if (!deployment.primary) continue;
    out.task_definition = deployment.task_definition;
    out.network_configuration = to_api(deployment.network);
  }
  if (service.deployments.empty() && service.last_good)
    out.task_definition = service.last_good->task_definition;
  if (!service.rollouts.empty()) {
    const RolloutRecord& latest = service.rollouts.front();
    if (is_open(latest.status))
      out.current_service_deployment = rollout_arn(scope, service, latest.id);
    out.current_service_revisions.present = true;
    for (const DeploymentRecord& deployment : service.deployments) {
      const Counts& counts = by_deployment[deployment.id];
      out.current_service_revisions.push_back(
          {revision_arn(scope, service, deployment.id),
           deployment.primary ? service.desired_count : deployment.desired, counts.running,
           counts.pending});
    }
  }
  out.events.present = true;
  const auto events = ecs.events.list(*out.service_arn);
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    out.events.push_back({event->id, event->last, event->message});
  out.created_at = service.created_at;
  out.placement_constraints.present = true;
  out.placement_strategy.present = true;
  out.health_check_grace_period_seconds = service.health_check_grace_s;
  out.scheduling_strategy = "REPLICA";
  out.deployment_controller = DeploymentController{"ECS"};
  if (parts.tags) out.tags = to_api(service.tags);
  out.created_by = text(service.created_by);
  out.enable_ecs_managed_tags = service.ecs_managed_tags;
  out.propagate_tags = service.propagate_tags;
  out.enable_execute_command = service.execute_command;
  out.availability_zone_rebalancing = service.availability_zone_rebalancing;
  return out;
}

Task describe_task(const Scope& scope, const TaskRecord& task, bool tags) {
  Task out;
  out.attachments.present = true;
  if (task.attachment) {
    out.attachments.push_back(describe_interface(task));
    out.availability_zone = text(task.attachment->availability_zone);
  }
  out.attributes.present = true;
  out.attributes.push_back({"ecs.cpu-architecture", task.architecture, {}, {}});
  out.capacity_provider_name = text(task.capacity_provider);
  out.cluster_arn = cluster_arn(scope, task.cluster);
  if (task.connectivity_at != TimePoint{}) {
    out.connectivity = task.status == TaskStatus::stopped ? "DISCONNECTED" : "CONNECTED";
    out.connectivity_at = task.connectivity_at;
  }
  out.containers.present = true;
  for (const TaskContainer& c : task.containers)
    out.containers.push_back(describe_container(scope, task, c));
  out.cpu = text(task.cpu);
  out.ephemeral_storage = EphemeralStorage{task.ephemeral_gib};
  TaskEphemeralStorage disk;
  disk.size_in_gi_b = task.ephemeral_gib;
  out.fargate_ephemeral_storage = std::move(disk);
  out.memory = text(task.memory);
  out.created_at = moment(task.created_at);
  out.desired_status = task.stop_wanted ? "STOPPED" : "RUNNING";
  out.enable_execute_command = task.execute_command;
  out.execution_stopped_at = moment(task.execution_stopped_at);
  out.group = text(task.group);
  out.health_status = std::string(name_of(task.health().value_or(Health::unknown)));
  out.last_status = std::string(name_of(task.status));
  out.launch_type = text(task.launch_type);
  TaskOverride overrides;
  if (!task.overrides.is_null()) record::decode(task.overrides, overrides);
  overrides.container_overrides.present = true;
  overrides.inference_accelerator_overrides.present = true;
  out.overrides = std::move(overrides);
  out.platform_version = text(task.platform_version);
  out.platform_family = "Linux";
  out.pull_started_at = moment(task.pull_started_at);
  out.pull_stopped_at = moment(task.pull_stopped_at);
  out.started_at = moment(task.started_at);
  out.started_by = text(task.started_by);
  out.stop_code = text(task.stop_code);
  out.stopped_at = moment(task.stopped_at);
  out.stopped_reason = text(task.stopped_reason);
  out.stopping_at = moment(task.stopping_at);
  if (tags) out.tags = to_api(task.tags);
  out.task_arn = task_arn(scope, task.cluster, task.id);
  out.task_definition_arn = task.task_definition;
  out.version = task.version;
  return out;
}

}  // namespace landfall::ecs
