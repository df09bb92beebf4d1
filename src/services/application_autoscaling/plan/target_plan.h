// What happens next to a scalable target: a pure function of its record and policies, of what
// alarms and the service show, and of the time.
//
// - Out: the policy that wants most wins. During a scale-out's cool-down the capacity that it added
//   counts as part of the next one, so only a larger one acts.
// - In: every target tracking policy that may scale in must be ready; the largest capacity wins. A
//   scale-in's cool-down holds back the next scale-in and gives way to a scale-out. Nothing scales
//   in while a deployment runs.
// - A metric that is missing never scales anything in.
// - Bounds are enforced when they change, and around every scaling.
// https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
#pragma once

#include "base/schedule.h"
#include "services/application_autoscaling/records.h"

namespace landfall::application_autoscaling {

// A change that the service has not fulfilled after this long is reported as unfulfilled.
inline constexpr Millis kFulfilWithin = std::chrono::minutes(15);
// Ours: an attempt that did not scale is listed again after this long, if nothing else happened.
inline constexpr Millis kTellAgain = std::chrono::minutes(10);

struct SeenService {
  int desired = 0;
  int running = 0;
  bool deploying = false;
};

struct Datapoint {
  TimePoint time{};  // when its period begins
  double value = 0;
};

// The alarms of a target tracking policy.
struct SeenTracking {
  bool high = false;  // in ALARM
  bool low = false;
  std::vector<Datapoint> points;  // of the metric, oldest first, as far back as the low alarm looks
};

// An alarm whose action is a step scaling policy, in the state for which it is.
struct SeenAlarm {
  std::string name;
  std::string state = "ALARM";
  bool below = false;  // "LessThan..."
  double threshold = 0;
  std::vector<Datapoint> points;  // that it was decided on
  TimePoint at{};                 // when it last told
};

struct SeenPolicy {
  PolicyRecord record;
  SeenTracking tracking;
  std::vector<SeenAlarm> alarms;
};

struct SeenSchedule {
  ScheduleRecord record;
  Schedule schedule;
};

struct Seen {
  std::optional<SeenService> service;  // none: it is gone
  std::vector<SeenPolicy> policies;
  std::vector<SeenSchedule> schedules;
  std::optional<ActivityRecord> under_way;  // of the target's change, when there is one
};

struct TargetPlan {
  TargetRecord next;
  bool changed = false;  // `next` differs from the record
  // The service is to be told; then the activity under way is no longer pending.
  std::optional<int> desired;
  // New, without ids; the first one belongs to `next.change` when begins_change.
  std::vector<ActivityRecord> activities;
  bool begins_change = false;
  std::optional<ActivityRecord> ended;    // the activity under way, as it has to be written
  std::vector<ScheduleRecord> schedules;  // that have run
  std::optional<Millis> look_again;

  bool idle() const {
    return !changed && !desired && activities.empty() && !ended && schedules.empty();
  }
};

TargetPlan plan_target(const TargetRecord& target, const Seen& seen, TimePoint now);

// The policy's own proposals, for the explainer: why a policy in ALARM does nothing.
struct Proposal {
  std::string policy;
  std::string alarm;
  std::string state;
  Direction direction = Direction::out;
  int capacity = 0;  // before the target's bounds
  int cooldown_s = 0;
};
std::vector<Proposal> proposals(const TargetRecord& target, const Seen& seen, TimePoint now);

bool cooling(const TargetRecord& target, Direction direction, TimePoint now);

}  // namespace landfall::application_autoscaling
