// What ECS remembers: services, deployments and tasks. (Task definitions embed the generated shapes
// and are in store.h.)
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/record.h"
#include "reconcile/condition.h"

namespace landfall::ecs {

struct TagRecord {
  std::string key;
  std::string value;
};
LF_RECORD(TagRecord, key, value)

// awsvpcConfiguration.
struct Network {
  std::vector<std::string> subnets;
  std::vector<std::string> security_groups;
  bool assign_public_ip = false;
};
LF_RECORD(Network, subnets, security_groups, assign_public_ip)

// --- services

enum class Rollout { in_progress = 0, completed = 1, failed = 2 };

// One entry of a service's loadBalancers: a container's port in a target group. Blue/green
// deployments have two groups in turn: advancedConfiguration.
struct ServiceTarget {
  std::string target_group;  // ARN
  std::string container;
  int port = 0;
  std::string alternate_group;  // ARN; empty: rolling deployments only
  std::string production_rule;  // ARN of the listener rule that decides which group serves
  std::string test_rule;        // may be empty
  std::string role;             // with which ECS changes the rules
};
LF_RECORD(ServiceTarget, target_group, container, port, alternate_group, production_rule, test_rule,
          role)

struct DeploymentRecord {
  std::string id;        // "ecs-svc/1234567890123456789"
  bool primary = false;  // PRIMARY; otherwise ACTIVE
  std::string task_definition;
  Network network;
  std::vector<ServiceTarget> targets;
  bool alternate = false;  // its tasks are in the alternate target groups
  int desired = 0;         // of a deployment that is not primary: what it had when it was replaced
  Rollout rollout = Rollout::in_progress;
  std::string rollout_reason;
  int failed_tasks = 0;
  bool completed_once = false;  // a deployment to roll back to
  // By container: digests resolved when the deployment's first task started, so that all its tasks
  // run the same image even when the tag moves meanwhile.
  std::map<std::string, std::string> image_digests;
  TimePoint created_at{};
  TimePoint updated_at{};

  std::string_view number() const {  // of the service revision
    return std::string_view(id).substr(id.find('/') + 1);
  }
};
LF_RECORD(DeploymentRecord, id, primary, task_definition, network, targets, alternate, desired,
          rollout, rollout_reason, failed_tasks, completed_once, image_digests, created_at,
          updated_at)

// All but rolling move the traffic from one target group to another: at once, in equal steps, or a
// little first.
enum class Strategy { rolling = 0, blue_green = 1, linear = 2, canary = 3 };
std::string_view name_of(Strategy strategy);  // "BLUE_GREEN"

// What UpdateService may say of deployments.
struct DeploymentSettings {
  Strategy strategy = Strategy::rolling;
  int bake_minutes = 0;
  double step_percent = 0;          // linear: each step; canary: the first
  int step_bake_minutes = 0;        // after each step but the last
  std::vector<std::string> alarms;  // names
  bool alarms_enabled = false;
  bool alarms_rollback = false;
};
LF_RECORD(DeploymentSettings, strategy, bake_minutes, step_percent, step_bake_minutes, alarms,
          alarms_enabled, alarms_rollback)

// In AWS's words; see name_of.
enum class RolloutStatus {
  pending = 0,
  in_progress = 1,
  stop_requested = 2,
  rollback_requested = 3,
  rollback_in_progress = 4,
  successful = 5,
  stopped = 6,
  rollback_successful = 7,
  rollback_failed = 8,
};
std::string_view name_of(RolloutStatus status);  // "IN_PROGRESS"
inline bool is_open(RolloutStatus status) { return status < RolloutStatus::successful; }

// How far a rollout is. Rolling deployments have the first and the last two only.
enum class Stage {
  reconcile_service = 0,
  scale_up = 1,
  test_traffic_shift = 2,
  production_traffic_shift = 3,
  bake_time = 4,
  clean_up = 5,
};
std::string_view name_of(Stage stage);

enum class Monitor { disabled = 0, monitoring = 1, complete = 2, triggered = 3 };
std::string_view name_of(Monitor monitor);

// A revision of the service that a rollout came from, and how many tasks it had then.
struct RevisionCounts {
  std::string deployment;  // "ecs-svc/..."
  int requested = 0;
  int running = 0;
  int pending = 0;
};
LF_RECORD(RevisionCounts, deployment, requested, running, pending)

// What the API calls a service deployment: the way from some revisions of a service to another one.
// The latest is in its service; those before it have a table.
struct RolloutRecord {
  std::string id;  // 21 characters
  std::string service;
  // The revision that it leads to, with how its tasks are launched.
  DeploymentRecord target;
  std::string launch_type;
  std::string capacity_provider;
  std::string platform_version;
  std::vector<RevisionCounts> sources;
  RevisionCounts counts;  // of the target, when it ended

  RolloutStatus status = RolloutStatus::pending;
  std::string reason;
  Stage stage = Stage::reconcile_service;
  TimePoint stage_at{};
  double shifted_percent = 0;  // of the production traffic, to the target revision
  TimePoint shifted_at{};
  DeploymentSettings settings;  // of the service, when it began
  json::value configuration;    // DeploymentConfiguration, as the API shows it
  Monitor breaker = Monitor::disabled;
  int failures = 0;
  int threshold = 0;
  Monitor alarms = Monitor::disabled;
  std::vector<std::string> alarm_names;
  std::vector<std::string> triggered_alarms;
  std::string rollback_reason;
  std::string rollback_deployment;  // "ecs-svc/...", the revision that it went back to
  TimePoint rollback_at{};

  TimePoint created_at{};
  TimePoint started_at{};
  TimePoint finished_at{};
  TimePoint stopped_at{};
  TimePoint updated_at{};
};
LF_RECORD(RolloutRecord, id, service, target, launch_type, capacity_provider, platform_version,
          sources, counts, status, reason, stage, stage_at, shifted_percent, shifted_at, settings,
          configuration, breaker, failures, threshold, alarms, alarm_names, triggered_alarms,
          rollback_reason, rollback_deployment, rollback_at, created_at, started_at, finished_at,
          stopped_at, updated_at)

enum class ServiceStatus { active = 0, draining = 1, inactive = 2 };

struct ServiceRecord {
  std::string name;
  std::string cluster;
  ServiceStatus status = ServiceStatus::active;
  int desired_count = 0;
  int minimum_healthy_percent = 100;
  int maximum_percent = 200;
  bool breaker = false;
  bool breaker_rollback = false;
  DeploymentSettings settings;
  // The production rules forward to the alternate groups now.
  bool serving_alternate = false;
  // Newest first: the latest, and older ones that have not yet been moved to their table.
  std::vector<RolloutRecord> rollouts;
  // Newest first: the PRIMARY one, then those that still have tasks.
  std::vector<DeploymentRecord> deployments;
  // The latest deployment that completed, to roll back to: a copy, for it may be gone from the
  // list.
  std::optional<DeploymentRecord> last_good;

  std::string launch_type = "FARGATE";
  std::string capacity_provider;  // instead of launch_type, when the service was made so
  std::string platform_version = "LATEST";
  std::string propagate_tags = "NONE";
  bool ecs_managed_tags = false;
  bool execute_command = false;
  std::optional<int> health_check_grace_s;
  std::string availability_zone_rebalancing = "DISABLED";
  std::string created_by;
  std::string client_token;
  std::string request_digest;  // of the CreateService request, for idempotency
  std::vector<TagRecord> tags;

  // Launch throttle: tasks that stop soon after their start are replaced slower and slower.
  int launch_failures = 0;
  TimePoint not_before{};
  bool throttle_told = false;
  bool blocked_told = false;
  bool steady = false;
  TimePoint steady_at{};  // of the latest "steady state" event

  reconcile::Conditions conditions;
  TimePoint created_at{};
  TimePoint inactive_at{};
};
LF_RECORD(ServiceRecord, name, cluster, status, desired_count, minimum_healthy_percent,
          maximum_percent, breaker, breaker_rollback, settings, serving_alternate, rollouts,
          deployments, last_good, launch_type, capacity_provider, platform_version, propagate_tags,
          ecs_managed_tags, execute_command, health_check_grace_s, availability_zone_rebalancing,
          created_by, client_token, request_digest, tags, launch_failures, not_before,
          throttle_told, blocked_told, steady, steady_at, conditions, created_at, inactive_at)

// --- tasks

// In the order of a task's life.
enum class TaskStatus {
  provisioning = 0,
  pending = 1,
  activating = 2,
  running = 3,
  deactivating = 4,
  stopping = 5,
  deprovisioning = 6,
  stopped = 7,
};
std::string_view name_of(TaskStatus status);  // "PROVISIONING"

enum class ContainerStatus { pending = 0, running = 1, stopped = 2 };
std::string_view name_of(ContainerStatus status);

enum class Health { unknown = 0, healthy = 1, unhealthy = 2 };
std::string_view name_of(Health health);

struct TaskContainer {
  std::string name;
  std::string id;       // last part of containerArn
  std::string host_id;  // host::ContainerSpec::id, and AWS's runtimeId
  std::string image;    // as the definition says
  std::string image_digest;
  std::string cpu;  // as DescribeTasks shows them, with overrides
  std::string memory;
  std::string memory_reservation;
  bool essential = true;
  bool has_health_check = false;
  ContainerStatus status = ContainerStatus::pending;
  Health health = Health::unknown;
  std::optional<int> exit_code;
  std::string reason;
  bool out_of_memory = false;
  std::vector<std::string> last_lines;  // of its output, kept when it stops
  TimePoint started_at{};
  TimePoint stopped_at{};
};
LF_RECORD(TaskContainer, name, id, host_id, image, image_digest, cpu, memory, memory_reservation,
          essential, has_health_check, status, health, exit_code, reason, out_of_memory, last_lines,
          started_at, stopped_at)

// The task's network interface, as DescribeTasks shows it. The interface itself is EC2's.
struct TaskInterface {
  std::string id;  // UUID of the attachment
  std::string interface_id;
  std::string vpc_id;
  std::string subnet_id;
  std::string availability_zone;
  std::string mac;
  std::string private_address;
  std::string private_dns_name;
  std::string public_address;
};
LF_RECORD(TaskInterface, id, interface_id, vpc_id, subnet_id, availability_zone, mac,
          private_address, private_dns_name, public_address)

enum class TargetState { initial = 0, healthy = 1, unhealthy = 2, draining = 3, gone = 4 };

// A task's place in a target group.
struct TaskTarget {
  std::string target_group;  // ARN
  std::string container;
  int port = 0;
  bool registered = false;  // told to the load balancer, and not yet taken back
  TargetState state = TargetState::initial;
  std::string reason;  // why it is not healthy: "Health checks failed with these codes: [503]"
};
LF_RECORD(TaskTarget, target_group, container, port, registered, state, reason)

// What a task has to write to, unless its definition asks for more.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
inline constexpr int kDefaultDiskGib = 20;

struct TaskRecord {
  std::string id;  // 32 hexadecimal digits
  std::string cluster;
  std::string task_definition;  // ARN
  std::string family;
  std::string service;     // empty: run by hand
  std::string deployment;  // "ecs-svc/..."
  std::string started_by;
  std::string group;
  std::string launch_type = "FARGATE";
  std::string capacity_provider;
  std::string platform_version = "1.4.0";
  std::string architecture = "x86_64";
  Network network;
  std::string subnet;  // chosen from network.subnets
  std::string cpu;     // effective, with overrides
  std::string memory;
  int ephemeral_gib = kDefaultDiskGib;  // size of its disk
  std::string task_role;                // ARN, with overrides; may be empty
  std::string execution_role;           // ARN, with overrides; may be empty
  json::value overrides;                // the request's TaskOverride; null: none
  std::vector<TagRecord> tags;
  std::string client_token;
  std::string credentials_id;  // path of the task's role credentials
  bool execute_command = false;

  TaskStatus status = TaskStatus::provisioning;
  bool stop_wanted = false;  // desiredStatus STOPPED
  std::string stop_code;     // "EssentialContainerExited"
  std::string stopped_reason;
  bool failure_counted = false;  // by its service's throttle and circuit breaker
  bool released = false;         // interface, containers and folders are gone

  std::vector<TaskContainer> containers;
  std::optional<TaskInterface> attachment;
  std::vector<TaskTarget> targets;
  TimePoint deregistered_at{};  // when its targets began to drain
  reconcile::Conditions conditions;

  std::int64_t version = 1;  // rises with every change of state
  TimePoint created_at{};
  TimePoint connectivity_at{};
  TimePoint pull_started_at{};
  TimePoint pull_stopped_at{};
  TimePoint started_at{};
  TimePoint stopping_at{};
  TimePoint execution_stopped_at{};
  TimePoint stopped_at{};

  // None when no container has a health check.
  std::optional<Health> health() const;
  // Running, and neither a container nor a load balancer says that it does not serve.
  bool running_and_healthy() const;
  const TaskTarget* unhealthy_target() const;
  TaskContainer* container(std::string_view name);
  const TaskContainer* container(std::string_view name) const;
};
LF_RECORD(TaskRecord, id, cluster, task_definition, family, service, deployment, started_by, group,
          launch_type, capacity_provider, platform_version, architecture, network, subnet, cpu,
          memory, ephemeral_gib, task_role, execution_role, overrides, tags, client_token,
          credentials_id, execute_command, status, stop_wanted, stop_code, stopped_reason,
          failure_counted, released, containers, attachment, targets, deregistered_at, conditions,
          version, created_at, connectivity_at, pull_started_at, pull_stopped_at, started_at,
          stopping_at, execution_stopped_at, stopped_at)

}  // namespace landfall::ecs
