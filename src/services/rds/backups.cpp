#include "services/rds/backups.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/files.h"
#include "io/process.h"
#include "services/rds/keys.h"
#include "services/rds/server.h"
#include "services/rds/snapshots.h"

namespace landfall::rds {
namespace fs = std::filesystem;
namespace {

constexpr Millis kArchiveTimeout = std::chrono::seconds(30);
constexpr Millis kArchivePoll(50);
// Between a segment's end and its being in the archive.
constexpr auto kArchiveDelay = std::chrono::minutes(10);

std::vector<DbSnapshot> automated_snapshots(Rds& rds, const Scope& scope,
                                            const std::string& resource_id) {
  std::vector<DbSnapshot> out;
  for (const auto& row : rds.tables(scope).snapshots.list()) {
    const DbSnapshot& snapshot = row.value;
    if (snapshot.automated && snapshot.instance_resource_id == resource_id &&
        snapshot.status == "available" && snapshot.complete_at)
      out.push_back(snapshot);
  }
  std::ranges::sort(out, {}, &DbSnapshot::created_at);
  return out;
}

TimePoint modified_at(const fs::path& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) < 0) return {};
  return from_unix_ms(std::int64_t(found.st_mtim.tv_sec) * 1000);
}

// Histories of timelines are small and always wanted.
bool is_history(const fs::path& path) { return path.extension() == ".history"; }

Result<void> link_newer(const fs::path& from, const fs::path& to, TimePoint since) {
  LF_OK(io::make_directories(to, 0755));
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with('.')) continue;
    if (!is_history(entry.path()) && modified_at(entry.path()) < since) continue;
    if (::link(entry.path().c_str(), (to / name).c_str()) < 0 && errno != EEXIST && errno != ENOENT)
      return fail_errno("link " + (to / name).string(), errno);
  }
  if (error) return fail("not-found", "the archived segments are gone", 404);
  return io::sync_directory(to);
}

void remove_older(const fs::path& folder, TimePoint than) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!is_history(entry.path()) && modified_at(entry.path()) < than)
      fs::remove(entry.path(), ignored);
  }
}

bool is_being_restored(Rds& rds, const DbInstance& source) {
  for (const auto& row : rds.tables(source.scope()).instances.list()) {
    if (row.value.restore_source == source.resource_id && !row.value.available_at) return true;
  }
  return false;
}

// The archive of an instance that is gone need not stay unlocked. Another reader keeps it busy.
task<void> close_archive(Rds& rds, Scope scope, std::string resource_id) {
  if (rds.tables(scope).retained_backups.get(resource_id))
    (void)co_await rds.volumes.unmount(archive_volume(resource_id));
}

}  // namespace

std::optional<RestorableWindow> restorable_window(Rds& rds, const DbInstance& instance) {
  if (instance.backup_retention_days <= 0 || !instance.latest_restorable_at) return {};
  const auto snapshots = automated_snapshots(rds, instance.scope(), instance.resource_id);
  if (snapshots.empty()) return {};
  return RestorableWindow{*snapshots.front().complete_at,
                          std::max(*instance.latest_restorable_at, *snapshots.front().complete_at)};
}

task<Result<TimePoint>> archive_now(Rds& rds, DbInstance instance) {
  const host::PostgresServer server = server_to_ask(rds, instance);
  const TimePoint moment = rds.clock.now();
  // A commit later than `moment`: without one, replaying could not tell that it has been reached.
  LF_CO_OK(co_await host::run_sql(rds.loop, server, "postgres", "SELECT pg_current_xact_id()"));
  // The switch ends the segment; when nothing was written since the last one, it stays as it is and
  // the answer is the beginning of the next.
  auto said = co_await host::run_sql(rds.loop, server, "postgres",
                                     "SELECT pg_walfile_name(pg_switch_wal() - 1)");
  if (!said) co_return std::unexpected(said.error());
  const fs::path segment =
      archive_folder(rds, instance.resource_id, instance.encrypted()) / said->substr(0, 24);
  const TimePoint deadline = rds.clock.now() + kArchiveTimeout;
  std::error_code ignored;
  while (!fs::exists(segment, ignored)) {
    if (rds.clock.now() > deadline)
      co_return fail("archive-behind", "the database server has not archived its log yet", 500);
    co_await rds.loop.sleep_for(kArchivePoll);
  }
  auto noted = co_await rds.tables(instance.scope())
                   .instances.update(instance.identifier, [&](DbInstance& record) -> Result<bool> {
                     if (record.resource_id != instance.resource_id) return false;
                     record.latest_restorable_at = moment;
                     return true;
                   });
  if (!noted) co_return std::unexpected(noted.error());
  co_return moment;
}

std::optional<DbSnapshot> base_snapshot(Rds& rds, const Scope& scope,
                                        const std::string& resource_id, TimePoint moment) {
  std::optional<DbSnapshot> best;
  for (DbSnapshot& snapshot : automated_snapshots(rds, scope, resource_id)) {
    if (*snapshot.complete_at <= moment) best = std::move(snapshot);
  }
  return best;
}

task<Result<void>> take_segments(Rds& rds, std::string source_resource, DbInstance target,
                                 TimePoint since) {
  const TimePoint oldest = since - kArchiveDelay;
  const fs::path from = archive_folder(rds, source_resource, target.encrypted());
  const fs::path to = replay_folder(rds, target);
  if (!target.encrypted()) {
    co_return co_await rds.loop.run_blocking(
        [from, to, oldest]() -> Result<void> { return link_newer(from, to, oldest); });
  }
  // The source is encrypted, too, with the same key. When it is stopped or forgotten, its archive
  // is not mounted.
  LF_CO_TRY(key, open_volume_key(rds, target.volume_key));
  LF_CO_OK(co_await rds.volumes.mount_encrypted(archive_volume(source_resource), key));
  LF_CO_OK(co_await rds.volumes.mount_encrypted(archive_volume(target.resource_id), key));
  // Copied by halves before a crash, a file could not be told from a whole one.
  LF_CO_OK(co_await rds.loop.run_blocking([to] { return io::remove_tree(to); }));
  LF_CO_OK(io::make_directories(to, 0755));
  std::error_code error;
  io::Command copy{{"cp", "--sparse=always", "--preserve=all", "-t", to}};
  copy.timeout = std::chrono::minutes(30);
  const std::size_t words = copy.argv.size();
  for (const auto& entry : fs::directory_iterator(from, error)) {
    if (entry.path().filename().native().starts_with('.')) continue;
    if (is_history(entry.path()) || modified_at(entry.path()) >= oldest)
      copy.argv.push_back(entry.path());
  }
  if (error) co_return fail("not-found", "the archived segments are gone", 404);
  if (copy.argv.size() > words) LF_CO_OK(co_await io::check_command(rds.loop, std::move(copy)));
  co_await close_archive(rds, target.scope(), source_resource);
  co_return Result<void>();
}

task<Result<void>> drop_expired_backups(Rds& rds, DbInstance instance) {
  const TimePoint oldest = rds.clock.now() - std::chrono::days(instance.backup_retention_days);
  auto snapshots = automated_snapshots(rds, instance.scope(), instance.resource_id);
  // One of the time before the window is needed to restore to its beginning.
  while (snapshots.size() > 1 && *snapshots[1].complete_at < oldest) {
    LF_CO_OK(co_await begin_snapshot_deletion(rds, snapshots.front()));
    snapshots.erase(snapshots.begin());
  }
  if (snapshots.empty()) co_return Result<void>();
  if (instance.encrypted()) {
    const auto key = open_volume_key(rds, instance.volume_key);
    if (!key) co_return Result<void>();  // later, when it is back
    LF_CO_OK(co_await rds.volumes.mount_encrypted(archive_volume(instance.resource_id), *key));
  }
  const fs::path folder = archive_folder(rds, instance.resource_id, instance.encrypted());
  const TimePoint needed = snapshots.front().created_at - kArchiveDelay;
  co_await rds.loop.run_blocking([folder, needed] { remove_older(folder, needed); });
  co_await close_archive(rds, instance.scope(), instance.resource_id);
  co_return Result<void>();
}

task<Result<void>> drop_all_backups(Rds& rds, DbInstance instance) {
  if (is_being_restored(rds, instance))
    co_return fail("in-use", "another instance is being restored from the backups", 409);
  for (const auto& row : rds.tables(instance.scope()).snapshots.list()) {
    if (row.value.automated && row.value.instance_resource_id == instance.resource_id)
      LF_CO_OK(co_await begin_snapshot_deletion(rds, row.value));
  }
  const fs::path folder = archive_folder(rds, instance.resource_id, instance.encrypted());
  if (instance.wanted != Wanted::deleted) {
    // A running server has the folder itself mounted, and may archive again.
    co_await rds.loop.run_blocking([folder] { remove_older(folder, TimePoint::max()); });
    co_return Result<void>();
  }
  if (instance.encrypted())
    co_return co_await rds.volumes.remove(archive_volume(instance.resource_id));
  co_return co_await rds.loop.run_blocking([folder] { return io::remove_tree(folder); });
}

std::string automated_backups_arn(const DbInstance& instance) {
  std::string id = hex_encode(sha256(instance.resource_id)).substr(0, 26);
  return Arn{"aws", "rds", instance.region, instance.account, "auto-backup:ab-" + id}.str();
}

}  // namespace landfall::rds
