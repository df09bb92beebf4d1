// Automated backups: a snapshot a day and the segments (WAL) written since the oldest of them, from
// which the database can be restored as it was at any moment in between.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html
#pragma once

#include "host/postgres/server.h"
#include "services/rds/service.h"

namespace landfall::rds {

// How often the latest restorable time moves on by itself, as on AWS.
inline constexpr Millis kArchiveEvery = std::chrono::minutes(5);

struct RestorableWindow {
  TimePoint earliest, latest;
};
// None: nothing can be restored to a point in time yet.
std::optional<RestorableWindow> restorable_window(Rds& rds, const DbInstance& instance);

// Brings everything committed so far into the archive and says until when it reaches. The server
// must answer. Errors: those of run_sql, "archive-behind" when the segment does not come in time.
task<Result<TimePoint>> archive_now(Rds& rds, DbInstance instance);

// The automated snapshot to begin from for a moment. None: there is no earlier one.
std::optional<DbSnapshot> base_snapshot(Rds& rds, const Scope& scope,
                                        const std::string& resource_id, TimePoint moment);

// Gives `target` the segments written since the base was begun, so that they stay when the archive
// is pruned: hard links, or, from one encrypted volume to another, copies. Repeatable. Error
// "not-found": the archive is gone.
task<Result<void>> take_segments(Rds& rds, std::string source_resource, DbInstance target,
                                 TimePoint since);

// Deletes what no automated snapshot needs any more.
task<Result<void>> drop_expired_backups(Rds& rds, DbInstance instance);
// All of it: backups have been switched off, or the instance goes. Error "in-use" while a restore
// still reads it.
task<Result<void>> drop_all_backups(Rds& rds, DbInstance instance);

// "arn:aws:rds:...:auto-backup:ab-...".
std::string automated_backups_arn(const DbInstance& instance);

}  // namespace landfall::rds
