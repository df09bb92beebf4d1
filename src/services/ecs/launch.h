// From a request or a service to the record of a new task.
#pragma once

#include "services/ecs/service.h"

namespace landfall::ecs {

// The subnets and groups exist and belong together. Errors: InvalidParameterException.
Result<Network> check_network(const Ecs& ecs, const Scope& scope,
                              const std::optional<NetworkConfiguration>& network);

// FARGATE, by launch type or capacity provider strategy. `cluster` gives the default strategy.
struct Launch {
  std::string launch_type;        // "FARGATE"
  std::string capacity_provider;  // "FARGATE", "FARGATE_SPOT"; empty when launched by type
};
// Errors: InvalidParameterException.
Result<Launch> check_launch(const std::optional<std::string>& launch_type,
                            const wire::List<CapacityProviderStrategyItem>& strategy,
                            const ClusterRecord& cluster);
Result<void> check_strategy(const wire::List<CapacityProviderStrategyItem>& strategy);
Result<std::string> check_platform_version(const std::optional<std::string>& version);

// Overrides that Fargate has, for containers that exist. Errors: InvalidParameterException,
// ClientException.
Result<void> check_overrides(const TaskDefinition& definition, const TaskOverride& overrides);

// The roles of the task can be assumed. Error ClientException.
Result<void> check_roles(const Ecs& ecs, const std::string& task_role,
                         const std::string& execution_role);

struct NewTask {
  std::string cluster;
  Launch launch;
  Network network;
  std::string subnet;
  std::optional<TaskOverride> overrides;
  std::string service;
  std::string deployment;
  std::vector<ServiceTarget> targets;
  std::string started_by;
  std::string group;
  std::vector<TagRecord> tags;
  bool execute_command = false;
};
// What ECS Exec demands of a task before it is made. `what`: "service couldn't be created".
// Error InvalidParameterException.
Result<void> check_execute_command(const Ecs& ecs, const std::string& task_role,
                                   std::string_view what);
// The definition with its overrides: what the task will run as.
TaskDefinition with_overrides(TaskDefinition definition, const TaskOverride& overrides);
TaskRecord new_task(Random& random, TimePoint now, const TaskDefinition& definition,
                    NewTask request);

// "X86_64" or "ARM64": this machine, as AWS writes it.
std::string_view machine_architecture();

}  // namespace landfall::ecs
