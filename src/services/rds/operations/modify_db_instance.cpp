// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
#include "host/postgres/scram.h"
#include "services/rds/master_secret.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Result<void> check_supported(const ModifyDBInstanceRequest& in) {
  return refuse_unsupported({
      {in.multi_az.value_or(false), "MultiAZ"},
      {in.iops.has_value(), "Iops"},
      {in.storage_throughput.has_value(), "StorageThroughput"},
      {in.storage_type.has_value(), "StorageType"},
      {in.max_allocated_storage.has_value(), "MaxAllocatedStorage"},
      {in.new_db_instance_identifier.has_value(), "NewDBInstanceIdentifier"},
      {in.db_subnet_group_name.has_value(), "DBSubnetGroupName"},
      {in.enable_iam_database_authentication.value_or(false), "EnableIAMDatabaseAuthentication"},
      {in.enable_performance_insights.value_or(false), "EnablePerformanceInsights"},
      {in.monitoring_interval.value_or(0) != 0, "MonitoringInterval"},
      {!in.db_security_groups.empty(), "DBSecurityGroups"},
      {in.domain.has_value(), "Domain"},
      {!in.processor_features.empty(), "ProcessorFeatures"},
      {in.network_type.value_or("IPV4") != "IPV4", "NetworkType"},
      {in.ca_certificate_identifier.value_or(std::string(kCertificateAuthority)) !=
           kCertificateAuthority,
       "CACertificateIdentifier"},
      {in.option_group_name && !in.option_group_name->starts_with("default:postgres"),
       "OptionGroupName"},
  });
}

Result<void> check_settings(const ModifyDBInstanceRequest& in) {
  LF_OK(check_supported(in));
  if (in.db_instance_class) LF_OK(check_class(*in.db_instance_class));
  LF_OK(check_password_choice(in));
  if (in.master_user_password) LF_OK(check_password(*in.master_user_password));
  if (in.db_port_number) LF_OK(check_port(*in.db_port_number));
  if (const auto& logs = in.cloudwatch_logs_export_configuration) {
    LF_OK(check_log_exports(logs->enable_log_types));
    LF_OK(check_log_exports(logs->disable_log_types));
  }
  if (in.backup_retention_period) LF_OK(check_retention(*in.backup_retention_period));
  if (in.preferred_backup_window) LF_OK(check_backup_window(*in.preferred_backup_window));
  return {};
}

// Who keeps the master password. `made` is the new secret where one is asked for.
Result<void> change_master_secret(DbInstance& instance, const ModifyDBInstanceRequest& in,
                                  const std::optional<MasterSecret>& made) {
  const bool managed = !instance.master_secret.empty();
  if (managed && in.master_user_password && in.manage_master_user_password.value_or(true)) {
    return fail("InvalidParameterCombination",
                "You can't specify MasterUserPassword for an instance with "
                "ManageMasterUserPassword enabled.");
  }
  if (in.rotate_master_user_password.value_or(false)) {
    if (!managed || !in.apply_immediately.value_or(false)) {
      return fail("InvalidParameterCombination",
                  "RotateMasterUserPassword needs an instance with ManageMasterUserPassword "
                  "enabled, and ApplyImmediately.");
    }
    instance.master_secret.rotate = true;
    instance.master_secret.retry_at = {};
  }
  if (!in.manage_master_user_password || *in.manage_master_user_password == managed) return {};
  if (managed) {
    if (!in.master_user_password) {
      return fail("InvalidParameterCombination",
                  "MasterUserPassword must be specified to end ManageMasterUserPassword.");
    }
    instance.old_secrets.push_back(instance.master_secret);
    instance.master_secret = {};
  } else {
    if (!made) return require_available(instance);  // managed a moment ago
    instance.master_secret = *made;
  }
  return {};
}

Result<void> check_growth(const DbInstance& instance, std::int32_t gib) {
  LF_OK(check_storage(gib, instance.storage_type));
  if (gib < instance.allocated_storage_gib) {
    return fail(
        "InvalidParameterCombination",
        fmt::format("Requested size {} is less than the current size {}: storage cannot shrink.",
                    gib, instance.allocated_storage_gib));
  }
  return {};
}

// What takes effect at once, whatever ApplyImmediately says.
void apply_now(DbInstance& instance, const ModifyDBInstanceRequest& in) {
  if (in.db_port_number) instance.port = *in.db_port_number;
  if (in.backup_retention_period) {
    // A first snapshot is taken, and what is written from now on is kept.
    if (instance.backup_retention_days == 0) instance.last_automated_snapshot.reset();
    instance.backup_retention_days = *in.backup_retention_period;
  }
  if (const auto& logs = in.cloudwatch_logs_export_configuration) {
    if (!logs->enable_log_types.empty()) instance.log_exports = {"postgresql"};
    if (!logs->disable_log_types.empty()) instance.log_exports.clear();
  }
  if (in.preferred_backup_window) instance.backup_window = *in.preferred_backup_window;
  if (in.deletion_protection) instance.deletion_protection = *in.deletion_protection;
  if (in.auto_minor_version_upgrade)
    instance.auto_minor_version_upgrade = *in.auto_minor_version_upgrade;
  if (in.copy_tags_to_snapshot) instance.copy_tags_to_snapshot = *in.copy_tags_to_snapshot;
  if (in.publicly_accessible) instance.publicly_accessible = *in.publicly_accessible;
  if (!in.vpc_security_group_ids.empty()) instance.security_group_ids = in.vpc_security_group_ids;
}

}  // namespace

task<Result<ModifyDBInstanceResponse>> modify_db_instance(Rds& rds, const RequestContext& ctx,
                                                          ModifyDBInstanceRequest in) {
  LF_CO_OK(check_settings(in));
  LF_CO_TRY(before, find_instance(rds, ctx.scope, in.db_instance_identifier));
  std::optional<std::string> version;
  if (in.engine_version && *in.engine_version != before.engine_version) {
    LF_CO_TRY(chosen, co_await choose_version(rds, in.engine_version));
    version = chosen;
  }
  std::optional<std::string> verifier;
  if (in.master_user_password)
    verifier = host::scram_verifier(*in.master_user_password, rds.random);
  std::optional<MasterSecret> secret;
  if (in.manage_master_user_password.value_or(false) && before.master_secret.empty()) {
    LF_CO_TRY(made, co_await make_master_secret(rds, ctx, in.master_user_secret_kms_key_id));
    secret = made;
  }
  LF_CO_OK(check_security_groups(rds, ctx.scope, in.vpc_security_group_ids, before.vpc_id));
  if (in.publicly_accessible.value_or(false)) {
    const auto subnet = rds.ec2.find_subnet(ctx.scope, before.subnet_id);
    if (!subnet || !subnet->routed_to_internet) {
      co_return errors::invalid_vpc_network_state(
          "Cannot make the DB instance publicly accessible: its subnet is not routed to an "
          "internet gateway.");
    }
  }
  LF_CO_TRY(
      changed,
      co_await change_instance(
          rds, ctx.scope, in.db_instance_identifier, [&](DbInstance& instance) -> Result<void> {
            if (instance.wanted == Wanted::deleted || !instance.available_at ||
                instance.inaccessible_since)
              return require_available(instance);
            if (instance.is_replica() &&
                (in.master_user_password || in.manage_master_user_password.value_or(false) ||
                 in.backup_retention_period.value_or(0) > 0)) {
              return errors::invalid_db_instance_state(
                  fmt::format("{} is a read replica: its password and its backups are those of {}.",
                              instance.identifier, instance.replica_source));
            }
            if (version) LF_OK(check_upgrade(instance.engine_version, *version));
            if (in.allocated_storage) LF_OK(check_growth(instance, *in.allocated_storage));
            if (in.db_parameter_group_name) {
              LF_TRY(group, check_parameter_group(rds, ctx.scope, in.db_parameter_group_name,
                                                  version.value_or(instance.engine_version)));
              instance.parameter_group = group;
            }
            LF_OK(change_master_secret(instance, in, secret));
            apply_now(instance, in);
            if (in.preferred_maintenance_window) {
              LF_TRY(window, check_maintenance_window(*in.preferred_maintenance_window));
              instance.maintenance_window = window;
            }
            if (verifier) instance.master_verifier = *verifier;
            if (version) instance.pending.engine_version = *version;
            if (in.db_instance_class && *in.db_instance_class != instance.instance_class) {
              instance.pending.instance_class = *in.db_instance_class;
            }
            if (in.allocated_storage && *in.allocated_storage > instance.allocated_storage_gib) {
              instance.pending.allocated_storage_gib = *in.allocated_storage;
            }
            if (in.apply_immediately.value_or(false) && !instance.pending.empty()) {
              // At once, so that a client that waits for "available" does not see the old one.
              if (instance.status == "available") instance.status = "modifying";
              instance.engine_version =
                  instance.pending.engine_version.value_or(instance.engine_version);
              instance.instance_class =
                  instance.pending.instance_class.value_or(instance.instance_class);
              instance.allocated_storage_gib =
                  instance.pending.allocated_storage_gib.value_or(instance.allocated_storage_gib);
              instance.pending = {};
            }
            return {};
          }));
  ModifyDBInstanceResponse out;
  out.db_instance = to_shape(rds, changed);
  co_return out;
}

}  // namespace landfall::rds
