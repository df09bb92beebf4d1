// Makes DB instances what their records say.
#pragma once

#include <set>

#include "reconcile/controller.h"
#include "services/rds/controller/plan.h"
#include "services/rds/log_export.h"
#include "services/rds/service.h"

namespace landfall::rds {

class InstanceController {
 public:
  explicit InstanceController(Rds& rds);
  void start();
  task<void> stop();

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<Result<Observed>> observe(DbInstance wanted);
  task<Result<void>> apply(Step step, DbInstance wanted);
  task<Result<void>> upgrade_minor(DbInstance wanted);
  task<std::string> newer_minor(DbInstance wanted);
  task<Result<void>> make_interface(DbInstance wanted);
  task<Result<void>> make_volume(DbInstance wanted);
  task<void> note_replication(DbInstance wanted);
  task<Result<void>> promote(DbInstance wanted);
  task<Result<void>> mount_volumes(DbInstance wanted);
  task<Result<void>> start_server(DbInstance wanted);
  task<Result<void>> stop_server(DbInstance wanted);
  task<Result<void>> load_settings(DbInstance wanted);
  task<Result<void>> set_password(DbInstance wanted);
  task<Result<void>> stage_password(DbInstance wanted);
  task<Result<void>> publish_password(DbInstance wanted);
  task<Result<void>> remove_secrets(DbInstance wanted);
  task<Result<void>> take_automated_snapshot(DbInstance wanted);
  task<Result<void>> finish(DbInstance wanted);
  task<Result<void>> mark_inaccessible(DbInstance wanted);
  task<Result<void>> forget(DbInstance wanted);
  task<void> probe_encryption();
  task<void> remove_old_logs(DbInstance wanted);
  task<Result<void>> change(DbInstance wanted, std::function<void(DbInstance&)> edit);
  task<void> watch_exit(std::string container, std::string key);

  Rds& rds_;
  LogExporter exporter_;
  io::TaskScope watchers_;
  std::set<std::string> watched_;  // containers whose end is being waited for
  reconcile::Controller controller_;
};

}  // namespace landfall::rds
