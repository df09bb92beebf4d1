// What Application Auto Scaling keeps, per account and region. Ids: targets CLUSTER/SERVICE,
// policies and schedules CLUSTER/SERVICE/NAME (percent-encoded), activities CLUSTER/SERVICE/<newest
// first>.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/record.h"
#include "wire/application_autoscaling/types.h"

namespace landfall::application_autoscaling {

enum class Direction { out = 0, in = 1 };

// The latest change of capacity that a policy made: what cool-downs are counted from.
struct ChangeRecord {
  std::string activity;  // id
  std::string policy;    // name; empty: a bound was enforced
  Direction direction = Direction::out;
  // What the next scale-out counts from while this one's cool-down lasts: the capacity before the
  // first of the scale-outs in it.
  int base = 0;
  int to = 0;
  int cooldown_s = 0;
  TimePoint started{};
  TimePoint ended{};  // fulfilled, overridden or given up; zero: under way
};
LF_RECORD(ChangeRecord, activity, policy, direction, base, to, cooldown_s, started, ended)

struct TargetRecord {
  std::string id;  // last part of the ARN
  std::string cluster;
  std::string service;
  int min_capacity = 0;
  int max_capacity = 0;
  std::string role_arn;
  bool in_suspended = false;
  bool out_suspended = false;
  bool schedule_suspended = false;
  std::map<std::string, std::string> tags;
  // A bound has changed, and the service is to be brought inside.
  bool enforce = false;
  std::optional<ChangeRecord> change;
  // The latest attempt that did not scale, so that it is told once: "policy code capacity".
  std::string not_scaled;
  TimePoint not_scaled_at{};
  TimePoint created{};

  std::string resource() const { return "service/" + cluster + "/" + service; }
  std::string key() const { return cluster + "/" + service; }
};
LF_RECORD(TargetRecord, id, cluster, service, min_capacity, max_capacity, role_arn, in_suspended,
          out_suspended, schedule_suspended, tags, enforce, change, not_scaled, not_scaled_at,
          created)

inline constexpr const char* kToBeMade = "-";

struct PolicyRecord {
  std::string id;  // UUID in the ARN
  std::string name;
  std::string type;  // "TargetTrackingScaling", "StepScaling"
  std::optional<StepScalingPolicyConfiguration> step;
  std::optional<TargetTrackingScalingPolicyConfiguration> tracking;
  // The alarms of target tracking; no low one when scaling in is disabled.
  std::string high_alarm;
  std::string low_alarm;
  // Fingerprint of the alarms as they were last made; kToBeMade: the policy has changed since.
  std::string alarms_made;
  TimePoint created{};
};
LF_RECORD(PolicyRecord, id, name, type, step, tracking, high_alarm, low_alarm, alarms_made, created)

struct ScheduleRecord {
  std::string id;  // UUID in the ARN
  std::string name;
  std::string schedule;
  std::string timezone;
  std::optional<TimePoint> start;
  std::optional<TimePoint> end;
  std::optional<int> min_capacity;
  std::optional<int> max_capacity;
  TimePoint created{};
  // Times up to here are done with: run, or missed while scheduled scaling was suspended.
  TimePoint done_until{};
};
LF_RECORD(ScheduleRecord, id, name, schedule, timezone, start, end, min_capacity, max_capacity,
          created, done_until)

struct ActivityRecord {
  std::string id;  // UUID
  std::string description;
  std::string cause;
  std::string
      status;  // "Pending", "InProgress", "Successful", "Overridden", "Unfulfilled", "Failed"
  std::string message;
  std::string details;
  std::optional<NotScaledReason> not_scaled;
  TimePoint started{};
  TimePoint ended{};
};
LF_RECORD(ActivityRecord, id, description, cause, status, message, details, not_scaled, started,
          ended)

}  // namespace landfall::application_autoscaling
