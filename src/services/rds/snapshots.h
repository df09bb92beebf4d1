// The life of a DB snapshot: begun by writing its record, done by the snapshot controller.
#pragma once

#include "reconcile/controller.h"
#include "services/rds/service.h"

namespace landfall::rds {

// "rds:<instance>-2026-11-21-10-11", as AWS names automated snapshots.
std::string automated_snapshot_name(const std::string& instance, TimePoint now);

// Writes the record with status "creating". One that is under way or done already: success, when it
// is of the same instance. Error "DBSnapshotAlreadyExists" when the name is taken by another.
task<Result<void>> begin_snapshot(Rds& rds, DbInstance instance, std::string identifier,
                                  bool automated, Tags tags);
task<Result<void>> begin_snapshot_deletion(Rds& rds, DbSnapshot snapshot);

// By identifier or ARN, ignoring case. An ARN may name another region for the first, which is for
// copying. Error DBSnapshotNotFound.
Result<DbSnapshot> find_snapshot(Rds& rds, const Scope& scope, std::string identifier);
Result<DbSnapshot> find_local_snapshot(Rds& rds, const Scope& scope, std::string identifier);

bool is_being_copied(Rds& rds, const DbSnapshot& snapshot);

class SnapshotController {
 public:
  explicit SnapshotController(Rds& rds);
  void start() { controller_.start(); }
  task<void> stop() { return controller_.stop(); }

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<Result<void>> copy(DbSnapshot snapshot);
  task<void> note_backup(DbSnapshot snapshot);
  task<Result<reconcile::Requeue>> expire_retained(Scope scope, std::string resource_id);
  Rds& rds_;
  reconcile::Controller controller_;
};

}  // namespace landfall::rds
