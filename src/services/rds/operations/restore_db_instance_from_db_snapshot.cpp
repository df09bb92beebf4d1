// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/snapshots.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<void> check_supported(const RestoreDBInstanceFromDBSnapshotRequest& in) {
  if (in.engine && *in.engine != "postgres") {
    return fail("InvalidParameterValue", fmt::format("Invalid DB engine: {}", *in.engine));
  }
  return refuse_unsupported({
      {in.multi_az.value_or(false), "MultiAZ"},
      {in.iops.has_value(), "Iops"},
      {in.storage_throughput.has_value(), "StorageThroughput"},
      {in.enable_iam_database_authentication.value_or(false), "EnableIAMDatabaseAuthentication"},
      {!in.enable_cloudwatch_logs_exports.empty(), "EnableCloudwatchLogsExports"},
      {in.db_cluster_snapshot_identifier.has_value(), "DBClusterSnapshotIdentifier"},
      {in.domain.has_value(), "Domain"},
      {in.db_name.has_value(), "DBName"},
      {in.manage_master_user_password.value_or(false), "ManageMasterUserPassword"},
      {!in.processor_features.empty(), "ProcessorFeatures"},
      {in.network_type.value_or("IPV4") != "IPV4", "NetworkType"},
  });
}

}  // namespace

task<Result<RestoreDBInstanceFromDBSnapshotResponse>> restore_db_instance_from_db_snapshot(
    Rds& rds, const RequestContext& ctx, RestoreDBInstanceFromDBSnapshotRequest in) {
  LF_CO_TRY(identifier, check_identifier(in.db_instance_identifier, "DBInstanceIdentifier"));
  LF_CO_OK(check_supported(in));
  const auto tables = rds.tables(ctx.scope);
  if (tables.instances.get(identifier))
    co_return errors::db_instance_already_exists("DB instance already exists");
  if (!in.db_snapshot_identifier) {
    co_return fail("InvalidParameterCombination",
                   "The parameter DBSnapshotIdentifier must be provided.");
  }
  LF_CO_TRY(snapshot, find_snapshot(rds, ctx.scope, *in.db_snapshot_identifier));
  if (snapshot.status != "available") {
    co_return errors::invalid_db_snapshot_state(
        fmt::format("Snapshot {} is not in available state.", snapshot.identifier));
  }
  if (in.allocated_storage && *in.allocated_storage < snapshot.allocated_storage_gib) {
    co_return fail("InvalidParameterValue",
                   "AllocatedStorage must not be less than the snapshot's.");
  }
  LF_CO_TRY(version, co_await choose_version(rds, snapshot.engine_version));
  LF_CO_TRY(parameters, check_parameter_group(rds, ctx.scope, in.db_parameter_group_name, version));
  LF_CO_TRY(tags, to_tags(in.tags));
  const std::string size = in.db_instance_class.value_or("db.t4g.micro");
  LF_CO_OK(check_class(size));
  if (in.port) LF_CO_OK(check_port(*in.port));

  DbInstance instance;
  instance.identifier = identifier;
  instance.resource_id = "db-" + rds.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26);
  instance.account = ctx.scope.account;
  instance.region = ctx.scope.region;
  LF_CO_OK(co_await place(rds, instance,
                          {in.db_subnet_group_name, in.availability_zone, in.vpc_security_group_ids,
                           in.publicly_accessible}));
  instance.engine_version = version;
  instance.instance_class = size;
  instance.allocated_storage_gib = in.allocated_storage.value_or(snapshot.allocated_storage_gib);
  instance.storage_type = in.storage_type.value_or(snapshot.storage_type);
  LF_CO_OK(check_storage(instance.allocated_storage_gib, instance.storage_type));
  instance.database = snapshot.database;
  instance.master_user = snapshot.master_user;
  instance.master_verifier = snapshot.master_verifier;
  instance.applied_verifier = snapshot.master_verifier;  // it is in the data
  instance.port = in.port.value_or(snapshot.port);
  instance.parameter_group = parameters;
  instance.deletion_protection = in.deletion_protection.value_or(false);
  instance.copy_tags_to_snapshot = in.copy_tags_to_snapshot.value_or(false);
  instance.backup_retention_days = in.backup_retention_period.value_or(1);
  instance.backup_window = in.preferred_backup_window.value_or(random_backup_window(rds.random));
  instance.maintenance_window = random_maintenance_window(rds.random);
  instance.tags = tags.empty() ? snapshot.tags : std::move(tags);
  instance.restore_snapshot = snapshot.volume_snapshot;
  instance.created_at = ctx.now;

  LF_CO_TRY(done, co_await rds.store.commit({{tables.instances.absent(identifier)},
                                             {tables.instances.put(identifier, instance)}}));
  if (!done.succeeded) co_return errors::db_instance_already_exists("DB instance already exists");
  RestoreDBInstanceFromDBSnapshotResponse out;
  out.db_instance = to_shape(rds, instance);
  co_return out;
}

}  // namespace landfall::rds
