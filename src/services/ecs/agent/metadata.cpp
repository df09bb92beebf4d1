#include "services/ecs/agent/metadata.h"

namespace landfall::ecs {
namespace {

double number(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void set_time(json::object& out, std::string_view name, TimePoint time) {
  if (time != TimePoint{}) out[name] = format_iso8601(time);
}

std::string_view revision(std::string_view definition_arn) {
  return definition_arn.substr(definition_arn.rfind(':') + 1);
}

// "RUNNING" or what the task's end has made of it.
std::string_view desired(const TaskRecord& task) {
  return task.stop_wanted ? "STOPPED" : "RUNNING";
}

json::object network(const TaskRecord& task, const Surroundings& around) {
  const TaskInterface& attachment = *task.attachment;
  const ec2::Interface& interface = around.interface;
  json::object out{{"NetworkMode", "awsvpc"},
                   {"IPv4Addresses", json::array{attachment.private_address}},
                   {"AttachmentIndex", 0},
                   {"MACAddress", attachment.mac},
                   {"PrivateDNSName", attachment.private_dns_name}};
  if (!interface.id.empty()) {
    const Cidr& subnet = interface.subnet;
    out["IPv4SubnetCIDRBlock"] = subnet.str();
    out["DomainNameServers"] = json::array{interface.dns_server.str()};
    out["DomainNameSearchList"] = json::array{interface.search_domain};
    out["SubnetGatewayIpv4Address"] = fmt::format("{}/{}", (subnet.base + 1).str(), subnet.length);
  }
  return out;
}

}  // namespace

json::object tags_object(const std::vector<TagRecord>& tags) {
  json::object out;
  for (const TagRecord& tag : tags) out[tag.key] = tag.value;
  return out;
}

json::object container_metadata(const TaskRecord& task, const TaskDefinition& definition,
                                const TaskContainer& container, const Surroundings& around) {
  json::object out{{"DockerId", container.host_id},
                   {"Name", container.name},
                   {"DockerName", container.name},
                   {"Image", container.image},
                   {"ImageID", container.image_digest}};
  json::object labels{
      {"com.amazonaws.ecs.cluster", cluster_arn(around.scope, task.cluster)},
      {"com.amazonaws.ecs.container-name", container.name},
      {"com.amazonaws.ecs.task-arn", task_arn(around.scope, task.cluster, task.id)},
      {"com.amazonaws.ecs.task-definition-family", task.family},
      {"com.amazonaws.ecs.task-definition-version", json::string(revision(task.task_definition))}};
  const auto& all = definition.container_definitions;
  const auto defined = std::ranges::find(all, container.name, &ContainerDefinition::name);
  if (defined != all.end()) {
    for (const auto& [key, value] : defined->docker_labels) labels[key] = value;
  }
  out["Labels"] = std::move(labels);
  out["DesiredStatus"] = json::string(desired(task));
  out["KnownStatus"] = json::string(name_of(container.status));
  json::object limits{{"CPU", number(container.cpu)}};
  if (!container.memory.empty()) limits["Memory"] = number(container.memory);
  out["Limits"] = std::move(limits);
  set_time(out, "CreatedAt", task.created_at);
  set_time(out, "StartedAt", container.started_at);
  set_time(out, "FinishedAt", container.stopped_at);
  if (container.exit_code) out["ExitCode"] = *container.exit_code;
  out["Type"] = "NORMAL";
  if (container.has_health_check) {
    out["Health"] = json::object{{"status", json::string(name_of(container.health))}};
  }
  if (defined != all.end() && defined->log_configuration) {
    out["LogDriver"] = defined->log_configuration->log_driver;
    json::object options;
    for (const auto& [key, value] : defined->log_configuration->options) options[key] = value;
    out["LogOptions"] = std::move(options);
  }
  out["ContainerARN"] = container_arn(around.scope, task, container);
  if (task.attachment) out["Networks"] = json::array{network(task, around)};
  out["Snapshotter"] = "overlayfs";
  return out;
}

json::object task_metadata(const TaskRecord& task, const TaskDefinition& definition,
                           const Surroundings& around) {
  json::object out{{"Cluster", cluster_arn(around.scope, task.cluster)},
                   {"TaskARN", task_arn(around.scope, task.cluster, task.id)},
                   {"Family", task.family},
                   {"Revision", json::string(revision(task.task_definition))},
                   {"DesiredStatus", json::string(desired(task))},
                   {"KnownStatus", json::string(name_of(task.status))}};
  out["Limits"] = json::object{{"CPU", number(task.cpu) / 1024}, {"Memory", number(task.memory)}};
  set_time(out, "PullStartedAt", task.pull_started_at);
  set_time(out, "PullStoppedAt", task.pull_stopped_at);
  set_time(out, "ExecutionStoppedAt", task.execution_stopped_at);
  if (task.attachment) out["AvailabilityZone"] = task.attachment->availability_zone;
  out["LaunchType"] = task.launch_type;
  if (around.disk)
    out["EphemeralStorageMetrics"] = json::object{{"Utilized", around.disk->used_bytes >> 20},
                                                  {"Reserved", around.disk->size_bytes >> 20}};
  if (!task.service.empty()) out["ServiceName"] = task.service;
  json::array containers;
  for (const TaskContainer& container : task.containers) {
    containers.push_back(container_metadata(task, definition, container, around));
  }
  out["Containers"] = std::move(containers);
  return out;
}

json::object container_stats(const TaskContainer& container, const host::ContainerStats& stats,
                             TimePoint now) {
  const std::uint64_t cache =
      stats.memory_bytes - std::min(stats.memory_bytes, stats.memory_working_bytes);
  return {{"read", format_iso8601(now)},
          {"name", container.name},
          {"id", container.host_id},
          {"pids_stats", json::object{{"current", stats.pids}}},
          {"cpu_stats", json::object{{"cpu_usage", json::object{{"total_usage", stats.cpu_ns}}}}},
          {"memory_stats", json::object{{"usage", stats.memory_bytes},
                                        {"limit", stats.memory_limit_bytes},
                                        {"stats", json::object{{"cache", cache}}}}}};
}

}  // namespace landfall::ecs
