// Makes tasks what their records say.
#pragma once

#include <set>

#include "reconcile/controller.h"
#include "services/ecs/controller/health_checks.h"
#include "services/ecs/controller/log_shipper.h"
#include "services/ecs/controller/task_plan.h"
#include "services/ecs/fargate.h"

namespace landfall::ecs {

// A stopped task can be described this long, as on AWS.
inline constexpr Millis kKeepStopped = std::chrono::hours(1);

struct ContainerSurroundings;

class TaskController {
 public:
  explicit TaskController(Fargate& fargate);
  void start();
  task<void> stop();
  // Removes containers and interfaces that no task wants: left by a crash between two writes, or by
  // a task whose record is gone.
  task<void> collect_orphans();
  // For tests.
  task<void> settle() { return controller_.settle(); }
  void clock_moved() { controller_.clock_moved(); }

 private:
  // One task under work: read again after every change of its record.
  struct Work {
    Scope scope;
    std::string id;  // in the table of tasks
    store::Row<TaskRecord> row;
    TaskDefinition definition;  // with overrides
    std::vector<ContainerPart> parts;
  };

  task<Result<reconcile::Requeue>> reconcile(std::string key);
  bool read(Work& work) const;
  SeenTask observe(const Work& work);
  void watch(const Work& work);
  task<Result<bool>> write(Work& work, TaskRecord next);
  task<Result<void>> change(const Work& work, std::function<void(TaskRecord&)> edit);
  task<Result<void>> tell_progress(const Work& work, const Result<void>& done);
  task<Result<void>> fail_to_start(const Work& work, std::string container, std::string reason);

  task<Result<void>> apply(const Work& work, TaskStep step);
  task<Result<void>> connect(const Work& work);
  task<Result<void>> prepare(const Work& work, std::string container);
  task<Result<void>> start(const Work& work, std::string container);
  task<Result<void>> register_targets(const Work& work);
  task<Result<void>> deregister_targets(const Work& work);
  task<Result<void>> release(const Work& work);
  task<void> tell_service(const Work& work, std::string said);
  void look_at_balanced();
  void begin_stop(const Work& work, const TaskStep& step);

  task<Result<std::string>> resolve_image(const Work& work, std::size_t index);
  task<Result<void>> pin_image(const Work& work, std::string container, std::string digest);
  task<Result<void>> prepare_log(const Work& work, std::size_t index);

  task<void> watch_exit(std::string container, std::string key);
  task<void> stop_container(std::string container, Millis grace, std::string key);
  std::string key(const Work& work) const;
  Result<void> prepare_volumes(const Work& work, const std::filesystem::path& disk,
                               ContainerSurroundings& around, std::vector<io::Fd>& mounted) const;
  task<Result<void>> read_environment_files(const Work& work, const ContainerDefinition& definition,
                                            std::map<std::string, std::string>& out) const;

  Fargate& fargate_;
  io::TaskScope watchers_;
  std::set<std::string> watched_;   // containers whose end is being waited for
  std::set<std::string> balanced_;  // keys of tasks in target groups
  std::set<std::string> stopping_;  // containers that are being stopped
  HealthChecks health_;
  LogShipper logs_;
  reconcile::Controller controller_;
};

std::string interface_owner(std::string_view cluster, std::string_view task);

}  // namespace landfall::ecs
