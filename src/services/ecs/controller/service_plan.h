// What the service scheduler does next: a pure function of what is wanted, what is seen, and the
// time.
//
// Rolling deployments as AWS documents them: at most desired * maximumPercent (rounded down) tasks
// that are not stopping, at least desired * minimumHealthyPercent (rounded up) healthy ones; a new
// task counts once it is running and healthy.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
//
// Three files: service_plan.cpp keeps the right number of good tasks, rollout_plan.cpp knows how a
// deployment ends (done, failed, rolled back, stopped), blue_green_plan.cpp moves the traffic of
// blue/green deployments.
#pragma once

#include <set>

#include "services/ecs/records.h"

namespace landfall::ecs {

// Ours: a task without a health check counts as healthy after running this long, so that a program
// that dies at once never replaces one that works.
inline constexpr Millis kSettle = std::chrono::seconds(5);
// A task that ends sooner than this counts as a failed launch and slows the next launch down.
inline constexpr Millis kQuickFailure = std::chrono::seconds(60);
inline constexpr Millis kMostThrottle = std::chrono::minutes(5);
inline constexpr int kFailuresToTell = 3;  // until the service says that it cannot start tasks
inline constexpr Millis kSteadyInterval =
    std::chrono::hours(6);  // between two events of a quiet service

// A deployment watched by alarms waits this long after its last task serves.
inline constexpr Millis kAlarmBake = std::chrono::minutes(1);

struct Observed {
  std::vector<TaskRecord> tasks;             // every task of the service that still has a record
  std::map<std::string, std::string> zones;  // of the subnets of the primary deployment
  std::set<std::string> alarms;              // of the service's alarms: those in state ALARM
  // What the listener rules of a blue/green service forward to: weights by target group. A rule
  // that is not there is absent.
  std::map<std::string, std::map<std::string, int>> traffic;
};

// A listener rule shall forward so.
struct Shift {
  std::string rule;
  std::string role;
  std::map<std::string, int> weights;
  bool operator==(const Shift&) const = default;
};

struct ServicePlan {
  struct Start {
    std::string deployment;
    std::string subnet;
  };
  struct Stop {
    std::string task;
    std::string reason;
  };
  std::vector<Start> start;
  std::vector<Stop> stop;            // with stop code ServiceSchedulerInitiated
  std::vector<Shift> shifts;         // before anything else
  std::vector<std::string> counted;  // tasks whose failure is in `next` from now on
  ServiceRecord next;                // the record as it should be
  bool changed = false;              // `next` differs from the record
  std::vector<std::string>
      events;  // without "has started" and "has stopped", which name what was done
  std::optional<Millis> look_again;

  bool idle() const {
    return start.empty() && stop.empty() && shifts.empty() && counted.empty() && !changed;
  }
};

ServicePlan plan_service(const ServiceRecord& service, const Observed& observed, TimePoint now);

// Bounds on the tasks of a service, for tests and explanations.
int most_tasks(const ServiceRecord& service);
int fewest_healthy(const ServiceRecord& service);
// How many failed tasks make a deployment fail: half of the desired count, at least 3 and at most
// 200. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
int breaker_threshold(int desired_count);
Millis throttle_delay(int failures);
// The target group in which a deployment's tasks are.
const std::string& group_of(const DeploymentRecord& deployment, const ServiceTarget& target);

}  // namespace landfall::ecs
