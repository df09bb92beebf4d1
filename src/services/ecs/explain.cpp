#include "services/ecs/explain.h"

#include "services/ec2/port.h"
#include "services/ecs/controller/log_shipper.h"
#include "services/ecs/definition/check.h"
#include "services/ecs/diagnosis.h"
#include "services/ecs/launch.h"

namespace landfall::ecs {
namespace {

using reconcile::Explanation;
using reconcile::Finding;
using reconcile::Severity;

constexpr std::size_t kShortestTaskPrefix = 8;
constexpr std::size_t kLinesRead = 30;

// "cluster/name" or "name" of an ARN of ours or of what a person typed; none: an ARN of another
// service.
std::optional<std::string> local_part(const std::string& reference, std::string_view kind) {
  const auto arn = Arn::parse(reference);
  if (!arn) return reference;
  if (arn->service != "ecs" || !arn->resource.starts_with(std::string(kind) + "/")) return {};
  return arn->resource.substr(kind.size() + 1);
}

template <class Record>
std::optional<store::Row<Record>> find_named(const store::Table<Record>& table,
                                             const std::string& name) {
  if (name.contains('/')) return table.get(name);
  for (auto& row : table.list()) {
    if (row.id.ends_with("/" + name)) return std::move(row);
  }
  return {};
}

std::optional<store::Row<TaskRecord>> find_task(const Tables& tables, const std::string& name) {
  if (auto row = find_named(tables.tasks, name)) return row;
  if (name.size() < kShortestTaskPrefix || name.contains('/')) return {};
  for (auto& row : tables.tasks.list()) {
    if (row.value.id.starts_with(name)) return std::move(row);
  }
  return {};
}

std::vector<std::string> output_of(const Fargate& fargate, const TaskContainer& container) {
  if (container.status == ContainerStatus::stopped) return container.last_lines;
  const auto info = fargate.containers.find(container.host_id);
  return info ? last_lines(info->log_path, kLinesRead) : std::vector<std::string>{};
}

// The task's end of a connection. A stopped task's interface is gone; where it was still counts.
ec2::Peer peer_of(const TaskRecord& task) {
  const TaskInterface& at = *task.attachment;
  return {at.interface_id, Ipv4::parse(at.private_address).value_or(Ipv4{}), at.subnet_id,
          task.network.security_groups};
}

// What the container's environment points to: can it be reached?
void look_at_endpoints(const Fargate& fargate, const Scope& scope, const TaskRecord& task,
                       const ContainerDefinition& container, Explanation& out) {
  if (!task.attachment) return;
  std::map<std::string, std::string> environment;
  for (const KeyValuePair& pair : container.environment)
    environment[pair.name.value_or("")] = pair.value.value_or("");
  for (const Endpoint& endpoint : endpoints_of(environment)) {
    const auto place = fargate.ecs.ec2.find_name(scope, endpoint.host);
    if (!place) continue;
    out.depends_on.push_back(endpoint.host);
    for (const std::string& interface : place->interface_ids) {
      const auto verdict =
          fargate.ecs.ec2.reachability(scope, peer_of(task), {interface, {}}, "tcp", endpoint.port);
      if (verdict.allowed) continue;
      out.findings.push_back(
          {.severity = Severity::problem,
           .reason = "EndpointUnreachable",
           .message = fmt::format("{} points to {}:{}, which does not answer: {}",
                                  endpoint.variable, endpoint.host, endpoint.port, verdict.why),
           .advice = verdict.remedy});
    }
  }
}

// May the internet reach the ports of a task with a public address?
void look_at_ports(const Fargate& fargate, const Scope& scope, const TaskRecord& task,
                   const ContainerDefinition& container, Explanation& out) {
  if (!task.attachment || task.attachment->public_address.empty()) return;
  for (const PortMapping& port : container.port_mappings) {
    const auto verdict = ec2::reachable_from_outside(
        fargate.ecs.ec2, scope, peer_of(task), port.protocol.value_or("tcp"),
        static_cast<std::uint16_t>(port.container_port.value_or(0)));
    if (verdict.allowed) continue;
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "PortNotReachable",
         .message = fmt::format("port {} of {} cannot be reached from outside: {}",
                                port.container_port.value_or(0), task.attachment->public_address,
                                verdict.why),
         .advice = verdict.remedy});
  }
}

// The registry explains its own images only.
std::vector<std::string> image_of(const TaskContainer& container) {
  if (!is_ecr_image(container.image)) return {};
  return {container.image};
}

std::string end_of(const TaskContainer& container) {
  std::string out =
      fmt::format("container {} ended with exit code {}", container.name, *container.exit_code);
  if (const auto meaning = exit_code_meaning(*container.exit_code); !meaning.empty())
    out += fmt::format(" ({})", meaning);
  return out;
}

// Why a container ended by itself: what its output says of it, or the bare end.
void look_at_end(const TaskContainer& container, std::vector<Finding> said, Explanation& out) {
  if (container.out_of_memory) {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "OutOfMemory",
         .message = fmt::format("container {} needed more than its memory limit and was killed",
                                container.name),
         .advice = "raise memory in the task definition"});
    return;
  }
  for (Finding& finding : said) {
    finding.message = fmt::format("{}; {}", end_of(container), finding.message);
    // The image may be what is wrong: the registry knows.
    if (finding.reason == "ExecFormatError") finding.deeper = image_of(container);
    out.findings.push_back(std::move(finding));
  }
  if (!said.empty()) return;
  Finding bare{.severity = container.essential ? Severity::problem : Severity::warning,
               .reason = "ContainerExited",
               .message = end_of(container),
               .deeper = image_of(container)};
  if (!container.last_lines.empty())
    bare.message += fmt::format("; last line: {}", container.last_lines.back());
  out.findings.push_back(std::move(bare));
}

// Does the reason speak of the image?
bool blames_image(const std::string& reason) {
  return reason.starts_with("CannotPullContainerError") ||
         reason.starts_with("CannotStartContainerError") || reason.contains("exec format error");
}

Explanation explain_task(const Fargate& fargate, const Scope& scope, const TaskRecord& task) {
  Explanation out{.resource = task_arn(scope, task.cluster, task.id),
                  .kind = "ECS task",
                  .state = std::string(name_of(task.status))};
  const bool asked_for =
      task.stop_code == "UserInitiated" || task.stop_code == "ServiceSchedulerInitiated";
  if (task.stop_wanted) {
    out.state += fmt::format(", {}", task.stopped_reason);
    if (task.stop_code == "TaskFailedToStart") {
      out.findings.push_back({.severity = Severity::problem,
                              .reason = task.stop_code,
                              .message = task.stopped_reason,
                              .since = task.stopped_at});
      if (task.stopped_reason.contains("AccessDenied") && !task.execution_role.empty())
        out.findings.back().deeper.push_back(task.execution_role);
      for (const TaskContainer& container : task.containers) {
        if (!blames_image(container.reason)) continue;
        for (std::string& image : image_of(container))
          out.findings.back().deeper.push_back(std::move(image));
      }
    }
  }
  for (const std::string& role : {task.execution_role, task.task_role}) {
    if (!role.empty()) out.depends_on.push_back(role);
  }
  const auto definition = find_definition(fargate.ecs.tables(scope), scope, task.task_definition);
  for (std::size_t i = 0; i < task.containers.size(); ++i) {
    const TaskContainer& container = task.containers[i];
    std::vector<Finding> said = diagnose_output(output_of(fargate, container));
    if (container.health == Health::unhealthy) {
      out.findings.push_back(
          {.severity = Severity::problem,
           .reason = "ContainerUnhealthy",
           .message = fmt::format("container {} fails its health check", container.name)});
    }
    const bool ended = container.exit_code && (*container.exit_code != 0 || container.essential);
    if (ended && !asked_for) {
      look_at_end(container, std::move(said), out);
    } else if (!asked_for) {
      for (Finding& finding : said) {
        finding.message = fmt::format("container {}: {}", container.name, finding.message);
        // What was said by a program that goes on may be over.
        if (task.status == TaskStatus::running) finding.severity = Severity::warning;
        out.findings.push_back(std::move(finding));
      }
    }
    if (!definition || i >= definition->value.definition.container_definitions.size()) continue;
    const auto& defined = definition->value.definition.container_definitions[i];
    look_at_endpoints(fargate, scope, task, defined, out);
    if (task.status == TaskStatus::running) look_at_ports(fargate, scope, task, defined, out);
  }
  for (const TaskTarget& target : task.targets) {
    if (target.registered) out.depends_on.push_back(target.target_group);
    if (target.registered && target.state == TargetState::unhealthy) {
      out.findings.push_back({.severity = Severity::problem,
                              .reason = "TargetUnhealthy",
                              .message = fmt::format("port {} is unhealthy in its target group: {}",
                                                     target.port, target.reason),
                              .deeper = {target.target_group}});
    }
  }
  for (Finding& finding : reconcile::findings_of(task.conditions))
    out.findings.push_back(std::move(finding));
  return out;
}

Explanation explain_service(const Fargate& fargate, const Scope& scope,
                            const ServiceRecord& service) {
  Explanation out{.resource = service_arn(scope, service.cluster, service.name),
                  .kind = "ECS service"};
  const auto tasks = fargate.ecs.tables(scope).tasks_of_service(service);
  int running = 0;
  const TaskRecord* failed = nullptr;  // the latest that ended by itself
  for (const auto& row : tasks) {
    const TaskRecord& task = row.value;
    if (task.status == TaskStatus::running) ++running;
    // Also one that does not get as far as running.
    if (!task.stop_wanted) out.depends_on.push_back(task_arn(scope, task.cluster, task.id));
    const bool by_itself = task.stop_wanted && task.stop_code != "UserInitiated" &&
                           task.stop_code != "ServiceSchedulerInitiated";
    const bool unhealthy = task.health() == Health::unhealthy;
    if ((by_itself || unhealthy) && (!failed || task.created_at > failed->created_at))
      failed = &task;
  }
  out.state = fmt::format("{}, {} of {} running",
                          service.status == ServiceStatus::active     ? "ACTIVE"
                          : service.status == ServiceStatus::draining ? "DRAINING"
                                                                      : "INACTIVE",
                          running, service.desired_count);
  const bool short_of_tasks = running < service.desired_count;
  if (failed && (short_of_tasks || !service.steady)) {
    out.findings.push_back(
        {.severity = short_of_tasks ? Severity::problem : Severity::warning,
         .reason = "TasksFail",
         .message =
             fmt::format("task {}: {}", failed->id,
                         failed->stop_wanted ? failed->stopped_reason : "a container is unhealthy"),
         .deeper = {task_arn(scope, failed->cluster, failed->id)},
         .since = failed->stopped_at});
  }
  if (service.launch_failures > 1 && short_of_tasks) {
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "LaunchThrottled",
         .message =
             fmt::format("its tasks have failed {} times in a row; the next is started at {}",
                         service.launch_failures, format_iso8601(service.not_before)),
         .advice = fmt::format("repair the cause, then: aws ecs update-service --cluster {} "
                               "--service {} --force-new-deployment",
                               service.cluster, service.name)});
  }
  for (const DeploymentRecord& deployment : service.deployments) {
    if (deployment.rollout == Rollout::failed) {
      out.findings.push_back({.severity = Severity::problem,
                              .reason = "DeploymentFailed",
                              .message = deployment.rollout_reason});
    }
  }
  for (Finding& finding : reconcile::findings_of(service.conditions))
    out.findings.push_back(std::move(finding));
  return out;
}

Explanation explain_cluster(const Fargate& fargate, const Scope& scope,
                            const ClusterRecord& cluster) {
  Explanation out{.resource = cluster_arn(scope, cluster.name),
                  .kind = "ECS cluster",
                  .state = cluster.active ? "ACTIVE" : "INACTIVE"};
  for (const auto& row : fargate.ecs.tables(scope).services.list(cluster.name + "/")) {
    if (row.value.status == ServiceStatus::active)
      out.depends_on.push_back(service_arn(scope, cluster.name, row.value.name));
  }
  return out;
}

}  // namespace

task<std::optional<Explanation>> explain(const Fargate& fargate, Scope scope,
                                         std::string reference) {
  const Tables tables = fargate.ecs.tables(scope);
  if (const auto name = local_part(reference, "service")) {
    if (const auto row = find_named(tables.services, *name))
      co_return explain_service(fargate, scope, row->value);
  }
  if (const auto name = local_part(reference, "task")) {
    if (const auto row = find_task(tables, *name))
      co_return explain_task(fargate, scope, row->value);
  }
  if (const auto name = local_part(reference, "cluster")) {
    if (const auto row = tables.clusters.get(*name))
      co_return explain_cluster(fargate, scope, row->value);
  }
  co_return std::nullopt;
}

}  // namespace landfall::ecs
