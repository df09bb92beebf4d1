#include "base/log.h"
#include "services/ecs/controller/container_spec.h"
#include "services/ecs/controller/task_controller.h"

namespace landfall::ecs {
namespace {

// The task that an ARN names, if it still has something on this machine.
bool wanted(const Ecs& ecs, const std::string& task) {
  const auto parsed = Arn::parse(task);
  if (!parsed || !parsed->resource.starts_with("task/")) return false;
  const auto row =
      ecs.tables({parsed->account, parsed->region}).tasks.get(parsed->resource.substr(5));
  return row && !row->value.released;
}

}  // namespace

// A container or interface is made only after its task's record, so one without a record is
// nobody's.
task<void> TaskController::collect_orphans() {
  for (const host::ContainerInfo& info : fargate_.containers.list()) {
    const auto owner = info.labels.find(kOwnerLabel);
    const auto of = info.labels.find(kTaskLabel);
    if (owner == info.labels.end() || owner->second != "ecs" || of == info.labels.end()) continue;
    if (wanted(fargate_.ecs, of->second)) continue;
    log::info("ecs", "removing container {}: its task is gone", info.id);
    if (auto removed = co_await fargate_.containers.remove(info.id); !removed)
      log::warning("ecs", "container {} cannot be removed: {}", info.id, removed.error().message);
  }
  std::set<Scope> scopes;
  std::set<std::string> tasks;  // that have not released what they had
  for (const auto& kv : fargate_.ecs.store.range(kPrefix)) {
    const auto parts = parse_key(kv.key);
    if (!parts) continue;
    scopes.insert(parts->scope);
    if (parts->table != "tasks") continue;
    const auto record = landfall::record::from_text<TaskRecord>(kv.value);
    if (!record || !record->released) tasks.insert(parts->name);
  }
  for (const std::string& disk : fargate_.disks.list()) {
    if (tasks.contains(disk)) continue;
    log::info("ecs", "removing disk {}: its task is gone", disk);
    if (auto removed = co_await fargate_.disks.remove(disk); !removed)
      log::warning("ecs", "disk {} cannot be removed: {}", disk, removed.error().message);
  }
  for (const Scope& scope : scopes) {
    for (const ec2::Interface& interface : fargate_.ecs.ec2.interfaces_of(scope, "ecs:task/")) {
      if (wanted(fargate_.ecs, arn(scope, interface.owner.substr(4)))) continue;
      log::info("ecs", "removing interface {}: its task is gone", interface.id);
      if (auto removed = co_await fargate_.ecs.ec2.delete_interface(scope, interface.id); !removed)
        log::warning("ecs", "interface {} cannot be removed: {}", interface.id,
                     removed.error().message);
    }
  }
}

}  // namespace landfall::ecs
