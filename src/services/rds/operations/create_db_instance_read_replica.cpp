// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html
#include "services/rds/keys.h"
#include "services/rds/new_instance.h"
#include "services/rds/replicas.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<void> check_settings(const CreateDBInstanceReadReplicaRequest& in) {
  LF_OK(refuse_unsupported_alike(in));
  LF_OK(refuse_unsupported({
      {in.max_allocated_storage.has_value(), "MaxAllocatedStorage"},
      {in.enable_performance_insights.value_or(false), "EnablePerformanceInsights"},
      {in.monitoring_interval.value_or(0) != 0, "MonitoringInterval"},
      {in.source_db_cluster_identifier.has_value(), "SourceDBClusterIdentifier"},
      {in.replica_mode.has_value(), "ReplicaMode"},
      {in.upgrade_storage_config.value_or(false), "UpgradeStorageConfig"},
  }));
  if (in.db_instance_class) LF_OK(check_class(*in.db_instance_class));
  if (in.port) LF_OK(check_port(*in.port));
  return check_log_exports(in.enable_cloudwatch_logs_exports);
}

// In the region of the call. Errors: DBInstanceNotFound, InvalidDBInstanceState.
Result<DbInstance> find_source(Rds& rds, const RequestContext& ctx,
                               const CreateDBInstanceReadReplicaRequest& in) {
  if (!in.source_db_instance_identifier) {
    return fail("InvalidParameterCombination",
                "The parameter SourceDBInstanceIdentifier must be provided.");
  }
  std::string name = *in.source_db_instance_identifier;
  if (const auto arn = Arn::parse(name); arn && arn->resource.starts_with("db:")) {
    if (arn->region != ctx.scope.region) {
      return fail("InvalidParameterCombination",
                  "Read replicas in another region than their source are not supported by "
                  "Landfall.");
    }
    name = arn->resource.substr(3);
  }
  LF_TRY(source, find_available(rds, ctx.scope, name));
  if (source.is_replica()) {
    return errors::invalid_db_instance_state(
        fmt::format("{} is a read replica itself; Landfall has none of replicas.", name));
  }
  if (source.backup_retention_days == 0) {
    return errors::invalid_db_instance_state(
        "Automated backups are not enabled for this database instance. To enable automated "
        "backups, use ModifyDBInstance to set the backup retention period to a non-zero value.");
  }
  if (!source.master_secret.empty()) {
    return errors::invalid_db_instance_state(
        "You can't create a read replica of an instance whose master password is managed in "
        "Secrets Manager.");
  }
  if (replicas_of(rds, source).size() >= kMostReplicas) {
    return errors::instance_quota_exceeded(
        fmt::format("{} has {} read replicas already.", name, kMostReplicas));
  }
  return source;
}

}  // namespace

// Records intent only: the controller copies the source's volume.
task<Result<CreateDBInstanceReadReplicaResponse>> create_db_instance_read_replica(
    Rds& rds, const RequestContext& ctx, CreateDBInstanceReadReplicaRequest in) {
  LF_CO_TRY(identifier, check_identifier(in.db_instance_identifier, "DBInstanceIdentifier"));
  LF_CO_OK(check_unused(rds, ctx.scope, identifier));
  LF_CO_OK(check_settings(in));
  LF_CO_TRY(tags, to_tags(in.tags));
  LF_CO_TRY(source, find_source(rds, ctx, in));
  LF_CO_OK(check_key_use(rds, ctx, source.volume_key));
  if (in.kms_key_id) {
    LF_CO_TRY(key, co_await find_key_arn(rds, ctx, *in.kms_key_id));
    if (key != source.volume_key.kms_key_arn) {
      co_return fail("InvalidParameterCombination",
                     "A read replica in the source's region is encrypted with the same KMS key.");
    }
  }
  LF_CO_TRY(parameters,
            check_parameter_group(rds, ctx.scope,
                                  in.db_parameter_group_name.value_or(source.parameter_group),
                                  source.engine_version));

  DbInstance replica = new_instance(rds, ctx, identifier);
  LF_CO_OK(
      co_await place(rds, replica,
                     {in.db_subnet_group_name.value_or(source.subnet_group), in.availability_zone,
                      in.vpc_security_group_ids, in.publicly_accessible}));
  replica.engine_version = source.engine_version;
  replica.instance_class = in.db_instance_class.value_or(source.instance_class);
  replica.allocated_storage_gib = in.allocated_storage.value_or(source.allocated_storage_gib);
  replica.storage_type = in.storage_type.value_or(source.storage_type);
  LF_CO_OK(check_storage(replica.allocated_storage_gib, replica.storage_type));
  if (replica.allocated_storage_gib < source.allocated_storage_gib) {
    co_return fail("InvalidParameterValue",
                   fmt::format("AllocatedStorage must not be less than the source's {} GiB.",
                               source.allocated_storage_gib));
  }
  replica.volume_key = source.volume_key;
  replica.database = source.database;
  replica.master_user = source.master_user;
  replica.master_verifier = replica.applied_verifier = source.applied_verifier;
  replica.port = in.port.value_or(source.port);
  replica.parameter_group = parameters;
  take_plain_settings(in, replica);
  replica.auto_minor_version_upgrade =
      in.auto_minor_version_upgrade.value_or(source.auto_minor_version_upgrade);
  replica.backup_retention_days = 0;
  replica.backup_window = source.backup_window;
  replica.maintenance_window = source.maintenance_window;
  replica.tags = std::move(tags);
  replica.replica_source = source.identifier;
  replica.replica_source_id = source.resource_id;

  LF_CO_TRY(added, co_await add_instance(rds, ctx, std::move(replica)));
  CreateDBInstanceReadReplicaResponse out;
  out.db_instance = std::move(added);
  co_return out;
}

}  // namespace landfall::rds
