#include "services/ecs/records.h"

namespace landfall::ecs {

std::string_view name_of(TaskStatus status) {
  switch (status) {
    case TaskStatus::provisioning:
      return "PROVISIONING";
    case TaskStatus::pending:
      return "PENDING";
    case TaskStatus::activating:
      return "ACTIVATING";
    case TaskStatus::running:
      return "RUNNING";
    case TaskStatus::deactivating:
      return "DEACTIVATING";
    case TaskStatus::stopping:
      return "STOPPING";
    case TaskStatus::deprovisioning:
      return "DEPROVISIONING";
    case TaskStatus::stopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

std::string_view name_of(ContainerStatus status) {
  switch (status) {
    case ContainerStatus::pending:
      return "PENDING";
    case ContainerStatus::running:
      return "RUNNING";
    case ContainerStatus::stopped:
      return "STOPPED";
  }
  return "UNKNOWN";
}

std::string_view name_of(Health health) {
  switch (health) {
    case Health::healthy:
      return "HEALTHY";
    case Health::unhealthy:
      return "UNHEALTHY";
    case Health::unknown:
      break;
  }
  return "UNKNOWN";
}

std::string_view name_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::rolling:
      return "ROLLING";
    case Strategy::blue_green:
      return "BLUE_GREEN";
    case Strategy::linear:
      return "LINEAR";
    case Strategy::canary:
      return "CANARY";
  }
  return "";
}

std::string_view name_of(RolloutStatus status) {
  switch (status) {
    case RolloutStatus::pending:
      return "PENDING";
    case RolloutStatus::in_progress:
      return "IN_PROGRESS";
    case RolloutStatus::stop_requested:
      return "STOP_REQUESTED";
    case RolloutStatus::rollback_requested:
      return "ROLLBACK_REQUESTED";
    case RolloutStatus::rollback_in_progress:
      return "ROLLBACK_IN_PROGRESS";
    case RolloutStatus::successful:
      return "SUCCESSFUL";
    case RolloutStatus::stopped:
      return "STOPPED";
    case RolloutStatus::rollback_successful:
      return "ROLLBACK_SUCCESSFUL";
    case RolloutStatus::rollback_failed:
      return "ROLLBACK_FAILED";
  }
  return "PENDING";
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::reconcile_service:
      return "RECONCILE_SERVICE";
    case Stage::scale_up:
      return "SCALE_UP";
    case Stage::test_traffic_shift:
      return "TEST_TRAFFIC_SHIFT";
    case Stage::production_traffic_shift:
      return "PRODUCTION_TRAFFIC_SHIFT";
    case Stage::bake_time:
      return "BAKE_TIME";
    case Stage::clean_up:
      return "CLEAN_UP";
  }
  return "RECONCILE_SERVICE";
}

std::string_view name_of(Monitor monitor) {
  switch (monitor) {
    case Monitor::disabled:
      return "DISABLED";
    case Monitor::monitoring:
      return "MONITORING";
    case Monitor::complete:
      return "MONITORING_COMPLETE";
    case Monitor::triggered:
      return "TRIGGERED";
  }
  return "DISABLED";
}

// A task is as healthy as its essential containers that have a health check: unhealthy when one of
// them is, healthy when all are.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html
std::optional<Health> TaskRecord::health() const {
  std::optional<Health> result;
  for (const TaskContainer& c : containers) {
    if (!c.has_health_check || !c.essential) continue;
    if (c.health == Health::unhealthy) return Health::unhealthy;
    if (!result || c.health == Health::unknown) result = c.health;
  }
  return result;
}

bool TaskRecord::running_and_healthy() const {
  return status == TaskStatus::running && !stop_wanted &&
         health().value_or(Health::healthy) == Health::healthy &&
         std::ranges::all_of(targets,
                             [](const TaskTarget& t) { return t.state == TargetState::healthy; });
}

const TaskTarget* TaskRecord::unhealthy_target() const {
  const auto found = std::ranges::find(targets, TargetState::unhealthy, &TaskTarget::state);
  return found == targets.end() ? nullptr : &*found;
}

TaskContainer* TaskRecord::container(std::string_view wanted) {
  for (TaskContainer& c : containers) {
    if (c.name == wanted) return &c;
  }
  return nullptr;
}

const TaskContainer* TaskRecord::container(std::string_view wanted) const {
  return const_cast<TaskRecord*>(this)->container(wanted);
}

}  // namespace landfall::ecs
