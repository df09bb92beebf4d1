// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
#include "host/postgres/scram.h"
#include "services/rds/keys.h"
#include "services/rds/master_secret.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<void> check_supported(const CreateDBInstanceRequest& in) {
  if (in.engine != "postgres") {
    return fail("InvalidParameterValue",
                fmt::format("Invalid DB engine: {}. Landfall runs engine postgres.", in.engine));
  }
  if (in.license_model && *in.license_model != "postgresql-license") {
    return fail("InvalidParameterCombination",
                "The license model of postgres is postgresql-license.");
  }
  return refuse_unsupported({
      {in.multi_az.value_or(false), "MultiAZ"},
      {in.iops.has_value(), "Iops"},
      {in.storage_throughput.has_value(), "StorageThroughput"},
      {in.max_allocated_storage.has_value(), "MaxAllocatedStorage"},
      {in.enable_iam_database_authentication.value_or(false), "EnableIAMDatabaseAuthentication"},
      {in.enable_performance_insights.value_or(false), "EnablePerformanceInsights"},
      {in.monitoring_interval.value_or(0) != 0, "MonitoringInterval"},
      {in.db_cluster_identifier.has_value(), "DBClusterIdentifier"},
      {!in.db_security_groups.empty(), "DBSecurityGroups"},
      {in.domain.has_value(), "Domain"},
      {in.tde_credential_arn.has_value(), "TdeCredentialArn"},
      {in.character_set_name.has_value(), "CharacterSetName"},
      {in.timezone.has_value(), "Timezone"},
      {!in.processor_features.empty(), "ProcessorFeatures"},
      {in.network_type.value_or("IPV4") != "IPV4", "NetworkType"},
      {in.backup_target.value_or("region") != "region", "BackupTarget"},
      {in.dedicated_log_volume.value_or(false), "DedicatedLogVolume"},
      {in.ca_certificate_identifier.value_or(std::string(kCertificateAuthority)) !=
           kCertificateAuthority,
       "CACertificateIdentifier"},
      {!in.additional_storage_volumes.empty(), "AdditionalStorageVolumes"},
      {in.option_group_name && !in.option_group_name->starts_with("default:postgres"),
       "OptionGroupName"},
  });
}

Result<void> check_settings(const CreateDBInstanceRequest& in) {
  LF_OK(check_supported(in));
  LF_OK(check_class(in.db_instance_class));
  if (!in.allocated_storage)
    return fail("InvalidParameterValue", "The parameter AllocatedStorage must be provided.");
  LF_OK(check_storage(*in.allocated_storage, in.storage_type.value_or("gp2")));
  if (!in.master_username)
    return fail("InvalidParameterValue", "The parameter MasterUsername must be provided.");
  LF_OK(check_master_user(*in.master_username));
  LF_OK(check_password_choice(in));
  if (!in.master_user_password && !in.manage_master_user_password.value_or(false)) {
    return fail("InvalidParameterValue", "The parameter MasterUserPassword must be provided.");
  }
  if (in.master_user_password) LF_OK(check_password(*in.master_user_password));
  // Terraform's provider sends an empty one for "none".
  if (!in.db_name.value_or("").empty()) LF_OK(check_database_name(*in.db_name));
  if (in.port) LF_OK(check_port(*in.port));
  if (in.kms_key_id && !in.storage_encrypted.value_or(false)) {
    return fail("InvalidParameterCombination",
                "KmsKeyId cannot be specified unless StorageEncrypted is true.");
  }
  LF_OK(check_log_exports(in.enable_cloudwatch_logs_exports));
  if (in.backup_retention_period) LF_OK(check_retention(*in.backup_retention_period));
  if (in.preferred_backup_window) LF_OK(check_backup_window(*in.preferred_backup_window));
  return {};
}

}  // namespace

// Records intent only: the controller makes the interface, the volume and the server.
task<Result<CreateDBInstanceResponse>> create_db_instance(Rds& rds, const RequestContext& ctx,
                                                          CreateDBInstanceRequest in) {
  LF_CO_TRY(identifier, check_identifier(in.db_instance_identifier, "DBInstanceIdentifier"));
  const auto table = rds.tables(ctx.scope).instances;
  if (table.get(identifier))
    co_return errors::db_instance_already_exists("DB instance already exists");
  LF_CO_OK(check_settings(in));
  LF_CO_TRY(version, co_await choose_version(rds, in.engine_version));
  LF_CO_TRY(parameters, check_parameter_group(rds, ctx.scope, in.db_parameter_group_name, version));
  LF_CO_TRY(tags, to_tags(in.tags));

  DbInstance instance;
  instance.identifier = identifier;
  instance.resource_id = "db-" + rds.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 26);
  instance.account = ctx.scope.account;
  instance.region = ctx.scope.region;
  LF_CO_OK(co_await place(rds, instance,
                          {in.db_subnet_group_name, in.availability_zone, in.vpc_security_group_ids,
                           in.publicly_accessible}));
  instance.engine_version = version;
  instance.instance_class = in.db_instance_class;
  instance.allocated_storage_gib = *in.allocated_storage;
  instance.storage_type = in.storage_type.value_or("gp2");
  if (in.storage_encrypted.value_or(false)) {
    LF_CO_TRY(key, co_await make_volume_key(rds, ctx, in.kms_key_id, instance.resource_id));
    instance.volume_key = key;
  }
  instance.database = in.db_name.value_or("");
  instance.master_user = *in.master_username;
  if (in.manage_master_user_password.value_or(false)) {
    LF_CO_TRY(secret, co_await make_master_secret(rds, ctx, in.master_user_secret_kms_key_id));
    instance.master_secret = secret;
  } else {
    instance.master_verifier = host::scram_verifier(*in.master_user_password, rds.random);
  }
  instance.applied_verifier = instance.master_verifier;  // the new server is made with it
  instance.port = in.port.value_or(5432);
  instance.parameter_group = parameters;
  instance.deletion_protection = in.deletion_protection.value_or(false);
  instance.auto_minor_version_upgrade = in.auto_minor_version_upgrade.value_or(true);
  instance.copy_tags_to_snapshot = in.copy_tags_to_snapshot.value_or(false);
  instance.backup_retention_days = in.backup_retention_period.value_or(1);
  instance.backup_window = in.preferred_backup_window.value_or(random_backup_window(rds.random));
  instance.maintenance_window = random_maintenance_window(rds.random);
  if (in.preferred_maintenance_window) {
    LF_CO_TRY(window, check_maintenance_window(*in.preferred_maintenance_window));
    instance.maintenance_window = window;
  }
  for (const std::string& log : in.enable_cloudwatch_logs_exports)
    instance.log_exports.push_back(log);
  instance.tags = std::move(tags);
  instance.created_at = ctx.now;

  LF_CO_TRY(done, co_await rds.store.commit(
                      {{table.absent(identifier)}, {table.put(identifier, instance)}}));
  if (!done.succeeded) co_return errors::db_instance_already_exists("DB instance already exists");
  CreateDBInstanceResponse out;
  out.db_instance = to_shape(rds, instance);
  co_return out;
}

}  // namespace landfall::rds
