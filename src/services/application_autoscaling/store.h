// Tables and names of Application Auto Scaling.
#pragma once

#include "base/ids.h"
#include "services/application_autoscaling/records.h"
#include "store/table.h"

namespace landfall::application_autoscaling {

inline constexpr std::string_view kPrefix = "/application-autoscaling/";
inline constexpr std::string_view kNamespace = "ecs";
inline constexpr std::string_view kDimension = "ecs:service:DesiredCount";

struct Tables {
  Tables(store::Store& store, const Scope& scope);
  store::Table<TargetRecord> targets;
  store::Table<PolicyRecord> policies;
  store::Table<ScheduleRecord> schedules;
  store::Table<ActivityRecord> activities;
};

// Below a target: the name as the last part of an id. Names may hold any character.
std::string child_id(const std::string& target_key, std::string_view name);
// Sorts the newest first.
std::string activity_id(const std::string& target_key, const ActivityRecord& activity);
// "CLUSTER/SERVICE" of the id of a policy, a schedule or an activity.
std::string target_key_of(std::string_view child_id);

struct KeyParts {
  Scope scope;
  std::string table;
  std::string id;
};
std::optional<KeyParts> parse_key(std::string_view key);

std::string target_arn(const Scope& scope, const TargetRecord& target);
std::string policy_arn(const Scope& scope, const std::string& resource, const PolicyRecord& policy);
std::string schedule_arn(const Scope& scope, const std::string& resource,
                         const ScheduleRecord& schedule);

// A policy's ARN, taken apart; none: it is no such ARN of this scope.
struct PolicyName {
  std::string id;
  std::string target_key;
  std::string name;
};
std::optional<PolicyName> parse_policy_arn(const Scope& scope, std::string_view arn);

}  // namespace landfall::application_autoscaling
