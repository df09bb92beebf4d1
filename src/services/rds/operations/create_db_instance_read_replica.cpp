// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html
#include "services/rds/keys.h"
#include "services/rds/replicas.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<void> check_settings(const CreateDBInstanceReadReplicaRequest& in) {
  LF_OK(refuse_unsupported({
      {in.multi_az.value_or(false), "MultiAZ"},
      {in.iops.has_value(), "Iops"},
      {in.storage_throughput.has_value(), "StorageThroughput"},
      {in.max_allocated_storage.has_value(), "MaxAllocatedStorage"},
      {in.enable_iam_database_authentication.value_or(false), "EnableIAMDatabaseAuthentication"},
      {in.enable_performance_insights.value_or(false), "EnablePerformanceInsights"},
      {in.monitoring_interval.value_or(0) != 0, "MonitoringInterval"},
      {in.source_db_cluster_identifier.has_value(), "SourceDBClusterIdentifier"},
      {in.replica_mode.has_value(), "ReplicaMode"},
      {in.domain.has_value(), "Domain"},
      {!in.processor_features.empty(), "ProcessorFeatures"},
      {in.network_type.value_or("IPV4") != "IPV4", "NetworkType"},
      {in.backup_target.value_or("region") != "region", "BackupTarget"},
      {in.dedicated_log_volume.value_or(false), "DedicatedLogVolume"},
      {in.upgrade_storage_config.value_or(false), "UpgradeStorageConfig"},
      {in.ca_certificate_identifier.value_or(std::string(kCertificateAuthority)) !=
           kCertificateAuthority,
       "CACertificateIdentifier"},
      {!in.additional_storage_volumes.empty(), "AdditionalStorageVolumes"},
      {in.option_group_name && !in.option_group_name->starts_with("default:postgres"),
       "OptionGroupName"},
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
  const auto table = rds.tables(ctx.scope).instances;
  if (table.get(identifier))
    co_return errors::db_instance_already_exists("DB instance already exists");
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

  DbInstance replica;
  replica.identifier = identifier;
  replica.resource_id = "db-" + rds.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26);
  replica.account = ctx.scope.account;
  replica.region = ctx.scope.region;
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
  replica.deletion_protection = in.deletion_protection.value_or(false);
  replica.copy_tags_to_snapshot = in.copy_tags_to_snapshot.value_or(false);
  replica.auto_minor_version_upgrade =
      in.auto_minor_version_upgrade.value_or(source.auto_minor_version_upgrade);
  replica.backup_retention_days = 0;
  replica.backup_window = source.backup_window;
  replica.maintenance_window = source.maintenance_window;
  for (const std::string& log : in.enable_cloudwatch_logs_exports)
    replica.log_exports.push_back(log);
  replica.tags = std::move(tags);
  replica.replica_source = source.identifier;
  replica.replica_source_id = source.resource_id;
  replica.created_at = ctx.now;

  LF_CO_TRY(done, co_await rds.store.commit(
                      {{table.absent(identifier)}, {table.put(identifier, replica)}}));
  if (!done.succeeded) co_return errors::db_instance_already_exists("DB instance already exists");
  CreateDBInstanceReadReplicaResponse out;
  out.db_instance = to_shape(rds, replica);
  co_return out;
}

}  // namespace landfall::rds
