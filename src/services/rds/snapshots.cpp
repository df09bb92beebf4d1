#include "services/rds/snapshots.h"

#include "services/rds/backups.h"
#include "services/rds/keys.h"
#include "services/rds/server.h"
#include "wire/rds/errors.h"

namespace landfall::rds {

std::string automated_snapshot_name(const std::string& instance, TimePoint now) {
  std::string time = format_iso8601(now).substr(0, 16);
  std::ranges::replace(time, 'T', '-');
  std::ranges::replace(time, ':', '-');
  return fmt::format("rds:{}-{}", instance, time);
}

task<Result<void>> begin_snapshot(Rds& rds, DbInstance instance, std::string identifier,
                                  bool automated, Tags tags) {
  const auto table = rds.tables(instance.scope()).snapshots;
  store::Revision revision = 0;
  if (const auto existing = table.get(identifier)) {
    const DbSnapshot& other = existing->value;
    if (other.instance_resource_id == instance.resource_id && other.status != "failed")
      co_return Result<void>();
    if (other.status != "failed") {
      co_return fail("DBSnapshotAlreadyExists",
                     fmt::format("Cannot create the snapshot because a snapshot with the "
                                 "identifier {} already exists.",
                                 identifier));
    }
    revision = existing->revision;
  }
  DbSnapshot snapshot;
  snapshot.identifier = identifier;
  snapshot.account = instance.account;
  snapshot.region = instance.region;
  snapshot.volume_snapshot = fmt::format("rds-snap-{}", rds.random.hex(16));
  snapshot.automated = automated;
  snapshot.instance = instance.identifier;
  snapshot.instance_resource_id = instance.resource_id;
  snapshot.engine_version = instance.engine_version;
  snapshot.storage_type = instance.storage_type;
  snapshot.volume_key = instance.volume_key;
  snapshot.master_user = instance.master_user;
  snapshot.master_verifier = instance.applied_verifier;
  snapshot.database = instance.database;
  snapshot.vpc_id = instance.vpc_id;
  snapshot.availability_zone = instance.availability_zone;
  snapshot.allocated_storage_gib = instance.allocated_storage_gib;
  snapshot.port = instance.port;
  snapshot.tags = std::move(tags);
  snapshot.instance_created_at = instance.created_at;
  snapshot.created_at = rds.clock.now();
  LF_CO_TRY(done, co_await rds.store.commit({{table.unchanged(identifier, revision)},
                                             {table.put(identifier, snapshot)}}));
  if (!done.succeeded) co_return fail("conflict", "the snapshot was changed at the same time", 409);
  co_return Result<void>();
}

task<Result<void>> begin_snapshot_deletion(Rds& rds, DbSnapshot snapshot) {
  auto done = co_await rds.tables(snapshot.scope())
                  .snapshots.update(snapshot.identifier, [](DbSnapshot& record) -> Result<bool> {
                    record.status = "deleting";
                    return true;
                  });
  if (!done && done.error().code != "not-found") co_return std::unexpected(done.error());
  co_return Result<void>();
}

Result<DbSnapshot> find_snapshot(Rds& rds, const Scope& scope, std::string identifier) {
  std::string name = identifier;
  Scope owner = scope;
  if (const auto arn = Arn::parse(identifier); arn && arn->resource.starts_with("snapshot:")) {
    name = arn->resource.substr(std::string_view("snapshot:").size());
    owner = {arn->account, arn->region};
  }
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  auto row = rds.tables(owner).snapshots.get(name);
  if (!row || row->value.status == "deleting" || owner.account != scope.account)
    return errors::db_snapshot_not_found(fmt::format("DBSnapshot {} not found.", identifier));
  return std::move(row->value);
}

Result<DbSnapshot> find_local_snapshot(Rds& rds, const Scope& scope, std::string identifier) {
  LF_TRY(found, find_snapshot(rds, scope, identifier));
  if (found.region != scope.region)
    return errors::db_snapshot_not_found(fmt::format("DBSnapshot {} not found.", identifier));
  return std::move(found);
}

bool is_being_copied(Rds& rds, const DbSnapshot& snapshot) {
  // Copies may lie in any account and region.
  for (const store::KeyValue& pair : rds.store.range(kRoot)) {
    if (!parse_key(pair.key, "snapshots")) continue;
    const auto other = record::from_text<DbSnapshot>(pair.value);
    if (other && other->status == "creating" && other->copied_volume == snapshot.volume_snapshot)
      return true;
  }
  return false;
}

SnapshotController::SnapshotController(Rds& rds)
    : rds_(rds),
      controller_(
          rds.loop, rds.store, rds.clock, rds.random,
          {.name = "rds-snapshots",
           .sources = {{std::string(kRoot),
                        [](const store::KeyValue& current,
                           const std::optional<store::KeyValue>&) -> std::vector<std::string> {
                          if (!parse_key(current.key, "snapshots") &&
                              !parse_key(current.key, "retained-backups"))
                            return {};
                          return {current.key};
                        }}},
           .workers = 2,
           // A copy of a large volume takes as long as the disk needs.
           .step_timeout = std::chrono::hours(2)},
          [this](std::string key) { return reconcile(std::move(key)); }) {}

// Backups kept after their instance's end age as if it were still there.
task<Result<reconcile::Requeue>> SnapshotController::expire_retained(Scope scope,
                                                                     std::string resource_id) {
  const auto table = rds_.tables(scope).retained_backups;
  const auto row = table.get(resource_id);
  if (!row) co_return reconcile::Requeue{};
  const auto window = restorable_window(rds_, row->value);
  const auto kept = std::chrono::days(row->value.backup_retention_days);
  if (window && window->latest + kept > rds_.clock.now()) {
    LF_CO_OK(co_await drop_expired_backups(rds_, row->value));
    co_return reconcile::Requeue{std::chrono::hours(1)};
  }
  LF_CO_OK(co_await drop_all_backups(rds_, row->value));
  auto done = co_await rds_.store.commit({{}, {table.remove(resource_id)}});
  if (!done) co_return std::unexpected(done.error());
  co_return reconcile::Requeue{};
}

// Among the instance's own events, while it is there.
task<void> SnapshotController::note_backup(DbSnapshot snapshot) {
  const auto row = rds_.tables(snapshot.scope()).instances.get(snapshot.instance);
  if (row && row->value.resource_id == snapshot.instance_resource_id) {
    (void)co_await rds_.events.record(
        row->value.arn(), {.reason = "backup", .message = "Finished DB Instance backup"});
  }
}

// Under the key that it has already, the bytes are copied; under another, the files.
task<Result<void>> SnapshotController::copy(DbSnapshot snapshot) {
  if (snapshot.volume_key.wrapped == snapshot.copied_key.wrapped)
    co_return co_await rds_.volumes.copy_snapshot(snapshot.copied_volume, snapshot.volume_snapshot);
  LF_CO_TRY(key, open_volume_key(rds_, snapshot.volume_key));
  std::string source_key;
  if (!snapshot.copied_key.empty()) {
    LF_CO_TRY(opened, open_volume_key(rds_, snapshot.copied_key));
    source_key = opened;
  }
  co_return co_await rds_.volumes.encrypt_snapshot(snapshot.copied_volume, source_key,
                                                   snapshot.volume_snapshot, key);
}

task<Result<reconcile::Requeue>> SnapshotController::reconcile(std::string key) {
  if (const auto retained = parse_key(key, "retained-backups"))
    co_return co_await expire_retained(retained->scope, retained->id);
  const auto parsed = parse_key(key, "snapshots");
  if (!parsed) co_return reconcile::Requeue{};
  const auto table = rds_.tables(parsed->scope).snapshots;
  const auto row = table.get(parsed->id);
  if (!row) co_return reconcile::Requeue{};
  const DbSnapshot& snapshot = row->value;

  if (snapshot.status == "deleting") {
    LF_CO_OK(co_await rds_.volumes.remove_snapshot(snapshot.volume_snapshot));
    auto done = co_await rds_.store.commit(
        {{table.unchanged(row->id, row->revision)}, {table.remove(row->id)}});
    if (!done) co_return std::unexpected(done.error());
    co_return reconcile::Requeue{};
  }
  if (snapshot.status != "creating") co_return reconcile::Requeue{};

  const bool copied = !snapshot.copied_from.empty();
  const auto taken =
      co_await (copied ? copy(snapshot)
                       : rds_.volumes.snapshot(volume_of(snapshot.instance_resource_id),
                                               snapshot.volume_snapshot));
  const bool gone = !taken && (taken.error().code == "not-found" ||
                               taken.error().code == "KMSKeyNotAccessibleFault");
  if (!taken && !gone) {
    // A full disk may be emptied again: the record says why it takes so long.
    (void)co_await rds_.events.record(snapshot.arn(),
                                      {.reason = "failure", .message = taken.error().message});
    co_return std::unexpected(taken.error());
  }
  auto written = co_await table.update(row->id, [&](DbSnapshot& record) -> Result<bool> {
    if (record.status != "creating") return false;
    record.status = gone ? "failed" : "available";
    if (!gone) record.complete_at = rds_.clock.now();
    record.failure = gone ? taken.error().message : "";
    return true;
  });
  if (!written && written.error().code != "not-found") co_return std::unexpected(written.error());
  if (!copied && !gone) co_await note_backup(snapshot);
  LF_CO_OK(co_await rds_.events.record(
      snapshot.arn(), {.reason = gone ? "failure" : "creation",
                       .message = gone                 ? "Snapshot failed: " + taken.error().message
                                  : copied             ? "Snapshot copied"
                                  : snapshot.automated ? "Automated snapshot created"
                                                       : "Manual snapshot created"}));
  co_return reconcile::Requeue{};
}

}  // namespace landfall::rds
