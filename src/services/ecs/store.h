// Where ECS keeps what it remembers, and the names of its things.
#pragma once

#include "base/ids.h"
#include "services/ecs/records.h"
#include "store/table.h"
#include "wire/ecs/types.h"

namespace landfall::ecs {

struct ClusterRecord {
  std::string name;
  bool active = true;  // a deleted cluster can still be described, as INACTIVE
  std::vector<TagRecord> tags;
  wire::List<ClusterSetting> settings;
  wire::List<std::string> capacity_providers;
  wire::List<CapacityProviderStrategyItem> strategy;
  TimePoint created_at{};
  TimePoint deleted_at{};
};
LF_RECORD(ClusterRecord, name, active, tags, settings, capacity_providers, strategy, created_at,
          deleted_at)

struct TaskDefinitionRecord {
  TaskDefinition definition;
  std::vector<TagRecord> tags;
};
LF_RECORD(TaskDefinitionRecord, definition, tags)

// The latest revision ever given out: numbers are not used again.
struct FamilyRecord {
  int latest = 0;
};
LF_RECORD(FamilyRecord, latest)

// A RunTask that was answered, by its client token.
struct TokenRecord {
  std::string digest;  // of the request
  std::vector<std::string> tasks;
  TimePoint at{};
};
LF_RECORD(TokenRecord, digest, tasks, at)

// The tables of one account and region. Ids: clusters NAME, definitions FAMILY/0000000007, families
// FAMILY, services CLUSTER/NAME, rollouts CLUSTER/SERVICE/ID, tasks CLUSTER/ID, tokens TOKEN
// (percent-encoded).
struct Tables {
  Tables(store::Store& store, const Scope& scope);
  store::Table<ClusterRecord> clusters;
  store::Table<TaskDefinitionRecord> definitions;
  store::Table<FamilyRecord> families;
  store::Table<ServiceRecord> services;
  store::Table<RolloutRecord> rollouts;  // ended, and not the latest of their service
  store::Table<TaskRecord> tasks;
  store::Table<TokenRecord> tokens;

  std::vector<store::Row<TaskRecord>> tasks_of_service(const ServiceRecord& service) const;
  // All that are remembered, newest first.
  std::vector<RolloutRecord> rollouts_of_service(const ServiceRecord& service) const;
};

inline constexpr std::string_view kPrefix = "/ecs/";

// What a key below kPrefix is about. None: it is not one of ours.
struct KeyParts {
  Scope scope;
  std::string table;    // "tasks"
  std::string cluster;  // the first part of the id
  std::string name;     // the rest; empty for tables with ids of one part
  std::string id() const { return name.empty() ? cluster : cluster + "/" + name; }
};
std::optional<KeyParts> parse_key(std::string_view key);

std::string definition_id(std::string_view family, int revision);

// --- ARNs
std::string arn(const Scope& scope, std::string resource);
std::string cluster_arn(const Scope& scope, std::string_view cluster);
std::string service_arn(const Scope& scope, std::string_view cluster, std::string_view service);
std::string task_arn(const Scope& scope, std::string_view cluster, std::string_view id);
std::string container_arn(const Scope& scope, const TaskRecord& task,
                          const TaskContainer& container);
// "arn:...:service-deployment/CLUSTER/SERVICE/ID"
std::string rollout_arn(const Scope& scope, const ServiceRecord& service, std::string_view id);
// "arn:...:service-revision/CLUSTER/SERVICE/NUMBER"; deployment: "ecs-svc/NUMBER"
std::string revision_arn(const Scope& scope, const ServiceRecord& service,
                         std::string_view deployment);
std::string definition_arn(const Scope& scope, std::string_view family, int revision);

// --- references, as callers write them: a name or an ARN

// A cluster's name; "default" when absent. Error ClusterNotFoundException for an ARN of elsewhere.
Result<std::string> cluster_name(const Scope& scope, const std::optional<std::string>& reference);
// The cluster itself, active. Error ClusterNotFoundException.
Result<store::Row<ClusterRecord>> find_cluster(const Tables& tables, const Scope& scope,
                                               const std::optional<std::string>& reference);
// The last part of a task's or service's ARN, or the name itself. None: an ARN of another kind,
// place or cluster.
std::optional<std::string> local_name(const Scope& scope, std::string_view kind,
                                      std::string_view cluster, std::string_view reference);

// A service and the last part of an ARN "KIND/CLUSTER/SERVICE/ID". None: not such an ARN of this
// account and region, or there is no such service.
struct ServicePart {
  store::Row<ServiceRecord> service;
  std::string id;
};
std::optional<ServicePart> find_service_part(const Tables& tables, const Scope& scope,
                                             std::string_view kind, std::string_view arn);

struct DefinitionName {
  std::string family;
  std::optional<int> revision;  // none: the latest active one
};
std::optional<DefinitionName> parse_definition_name(const Scope& scope, std::string_view reference);
std::optional<store::Row<TaskDefinitionRecord>> find_definition(const Tables& tables,
                                                                const Scope& scope,
                                                                std::string_view reference);

// --- lists

// Where a list goes on; empty: at its start. Error InvalidParameterException.
Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token);
// One page of ids in order; `limit` absent: 100, the most there is. Error
// InvalidParameterException.
Result<std::size_t> page_size(const std::optional<std::int32_t>& limit);

}  // namespace landfall::ecs
