// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
#include "host/postgres/scram.h"
#include "services/rds/keys.h"
#include "services/rds/master_secret.h"
#include "services/rds/new_instance.h"
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
  LF_OK(refuse_unsupported_alike(in));
  return refuse_unsupported({
      {in.max_allocated_storage.has_value(), "MaxAllocatedStorage"},
      {in.enable_performance_insights.value_or(false), "EnablePerformanceInsights"},
      {in.monitoring_interval.value_or(0) != 0, "MonitoringInterval"},
      {in.db_cluster_identifier.has_value(), "DBClusterIdentifier"},
      {!in.db_security_groups.empty(), "DBSecurityGroups"},
      {in.tde_credential_arn.has_value(), "TdeCredentialArn"},
      {in.character_set_name.has_value(), "CharacterSetName"},
      {in.timezone.has_value(), "Timezone"},
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
  LF_CO_OK(check_unused(rds, ctx.scope, identifier));
  LF_CO_OK(check_settings(in));
  LF_CO_TRY(version, co_await choose_version(rds, in.engine_version));
  LF_CO_TRY(parameters, check_parameter_group(rds, ctx.scope, in.db_parameter_group_name, version));
  LF_CO_TRY(tags, to_tags(in.tags));

  DbInstance instance = new_instance(rds, ctx, identifier);
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
  take_plain_settings(in, instance);
  instance.auto_minor_version_upgrade = in.auto_minor_version_upgrade.value_or(true);
  instance.backup_retention_days = in.backup_retention_period.value_or(1);
  instance.backup_window = in.preferred_backup_window.value_or(random_backup_window(rds.random));
  instance.maintenance_window = random_maintenance_window(rds.random);
  if (in.preferred_maintenance_window) {
    LF_CO_TRY(window, check_maintenance_window(*in.preferred_maintenance_window));
    instance.maintenance_window = window;
  }
  instance.tags = std::move(tags);
  LF_CO_TRY(added, co_await add_instance(rds, ctx, std::move(instance)));
  CreateDBInstanceResponse out;
  out.db_instance = std::move(added);
  co_return out;
}

}  // namespace landfall::rds
