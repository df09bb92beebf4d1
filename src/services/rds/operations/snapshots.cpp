// operations: CreateDBSnapshot, DescribeDBSnapshots, DeleteDBSnapshot, DescribeDBSnapshotAttributes
#include "services/rds/snapshots.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<bool> passes(const DbSnapshot& snapshot, const wire::List<Filter>& filters) {
  for (const Filter& filter : filters) {
    const auto holds = [&](const std::string& value) {
      return std::ranges::find(filter.values, value) != filter.values.end();
    };
    bool kept = false;
    if (filter.name == "db-snapshot-id") {
      kept = holds(snapshot.identifier) || holds(snapshot.arn());
    } else if (filter.name == "db-instance-id") {
      kept = holds(snapshot.instance);
    } else if (filter.name == "dbi-resource-id") {
      kept = holds(snapshot.instance_resource_id);
    } else if (filter.name == "snapshot-type") {
      kept = holds(snapshot.automated ? "automated" : "manual");
    } else if (filter.name == "engine") {
      kept = holds("postgres");
    } else {
      return fail("InvalidParameterValue",
                  fmt::format("Unrecognized filter name: {}", filter.name));
    }
    if (!kept) return false;
  }
  return true;
}

}  // namespace

task<Result<CreateDBSnapshotResponse>> create_db_snapshot(Rds& rds, const RequestContext& ctx,
                                                          CreateDBSnapshotRequest in) {
  LF_CO_TRY(identifier, check_identifier(in.db_snapshot_identifier, "DBSnapshotIdentifier"));
  LF_CO_TRY(instance, find_available(rds, ctx.scope, in.db_instance_identifier));
  if (instance.is_replica()) {
    co_return errors::invalid_db_instance_state(
        "Landfall takes no snapshots of read replicas: take one of the source.");
  }
  LF_CO_TRY(tags, to_tags(in.tags));
  if (rds.tables(ctx.scope).snapshots.get(identifier)) {
    co_return errors::db_snapshot_already_exists(fmt::format(
        "Cannot create the snapshot because a snapshot with the identifier {} already exists.",
        identifier));
  }
  if (instance.copy_tags_to_snapshot) tags.insert(instance.tags.begin(), instance.tags.end());
  LF_CO_OK(co_await begin_snapshot(rds, instance, identifier, false, std::move(tags)));
  LF_CO_TRY(snapshot, find_local_snapshot(rds, ctx.scope, identifier));
  CreateDBSnapshotResponse out;
  out.db_snapshot = to_shape(snapshot);
  co_return out;
}

task<Result<DescribeDBSnapshotsResponse>> describe_db_snapshots(Rds& rds, const RequestContext& ctx,
                                                                DescribeDBSnapshotsRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  DescribeDBSnapshotsResponse out;
  std::optional<std::string> only;
  if (in.db_snapshot_identifier) {
    LF_CO_TRY(snapshot, find_local_snapshot(rds, ctx.scope, *in.db_snapshot_identifier));
    only = snapshot.identifier;
  }
  std::vector<DbSnapshot> found;
  for (const auto& row : rds.tables(ctx.scope).snapshots.list()) {
    const DbSnapshot& snapshot = row.value;
    if (snapshot.status == "deleting") continue;
    if (only && snapshot.identifier != *only) continue;
    if (in.db_instance_identifier && snapshot.instance != *in.db_instance_identifier) continue;
    if (in.dbi_resource_id && snapshot.instance_resource_id != *in.dbi_resource_id) continue;
    if (in.snapshot_type && *in.snapshot_type != (snapshot.automated ? "automated" : "manual"))
      continue;
    LF_CO_TRY(kept, passes(snapshot, in.filters));
    if (kept) found.push_back(snapshot);
  }
  auto cut =
      cut_page(std::move(found), page, [](const DbSnapshot& item) { return item.identifier; });
  for (const DbSnapshot& item : cut.items) out.db_snapshots.push_back(to_shape(item));
  out.marker = cut.marker;
  co_return out;
}

task<Result<DeleteDBSnapshotResponse>> delete_db_snapshot(Rds& rds, const RequestContext& ctx,
                                                          DeleteDBSnapshotRequest in) {
  LF_CO_TRY(snapshot, find_local_snapshot(rds, ctx.scope, in.db_snapshot_identifier));
  if (snapshot.automated) {
    co_return errors::invalid_db_snapshot_state(
        "Automated snapshots are deleted with their retention period.");
  }
  if (snapshot.status == "creating") {
    co_return errors::invalid_db_snapshot_state(
        fmt::format("Snapshot {} is not in available state.", snapshot.identifier));
  }
  for (const auto& row : rds.tables(ctx.scope).instances.list()) {
    if (row.value.restore_snapshot == snapshot.volume_snapshot && !row.value.available_at) {
      co_return errors::invalid_db_snapshot_state(fmt::format(
          "Snapshot {} is being restored to {}.", snapshot.identifier, row.value.identifier));
    }
  }
  if (is_being_copied(rds, snapshot)) {
    co_return errors::invalid_db_snapshot_state(
        fmt::format("Snapshot {} is being copied.", snapshot.identifier));
  }
  LF_CO_OK(co_await begin_snapshot_deletion(rds, snapshot));
  DeleteDBSnapshotResponse out;
  snapshot.status = "deleted";  // as AWS answers
  out.db_snapshot = to_shape(snapshot);
  co_return out;
}

// An installation has one account, so snapshots are never shared: "restore" lists nobody.
task<Result<DescribeDBSnapshotAttributesResponse>> describe_db_snapshot_attributes(
    Rds& rds, const RequestContext& ctx, DescribeDBSnapshotAttributesRequest in) {
  LF_CO_TRY(snapshot, find_local_snapshot(rds, ctx.scope, in.db_snapshot_identifier));
  DBSnapshotAttribute restore;
  restore.attribute_name = "restore";
  DBSnapshotAttributesResult result;
  result.db_snapshot_identifier = snapshot.identifier;
  result.db_snapshot_attributes.push_back(std::move(restore));
  DescribeDBSnapshotAttributesResponse out;
  out.db_snapshot_attributes_result = std::move(result);
  co_return out;
}

}  // namespace landfall::rds
