// operations: DescribeDBInstanceAutomatedBackups, DeleteDBInstanceAutomatedBackup
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstanceAutomatedBackups.html
#include "services/rds/backups.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

DBInstanceAutomatedBackup to_shape(Rds& rds, const DbInstance& instance, bool retained) {
  DBInstanceAutomatedBackup out;
  out.db_instance_arn = instance.arn();
  out.dbi_resource_id = instance.resource_id;
  out.region = instance.region;
  out.db_instance_identifier = instance.identifier;
  const auto window = restorable_window(rds, instance);
  if (window) {
    RestoreWindow shape;
    shape.earliest_time = window->earliest;
    shape.latest_time = window->latest;
    out.restore_window = std::move(shape);
  }
  out.allocated_storage = instance.allocated_storage_gib;
  out.status = retained ? "retained" : window ? "active" : "creating";
  out.port = instance.port;
  out.availability_zone = instance.availability_zone;
  out.vpc_id = instance.vpc_id;
  if (instance.available_at) out.instance_create_time = instance.available_at;
  out.master_username = instance.master_user;
  out.engine = "postgres";
  out.engine_version = instance.engine_version;
  out.license_model = "postgresql-license";
  out.option_group_name = default_option_group(instance.engine_version);
  out.encrypted = instance.encrypted();
  if (instance.encrypted()) out.kms_key_id = instance.volume_key.kms_key_arn;
  out.storage_type = instance.storage_type;
  out.iam_database_authentication_enabled = false;
  out.backup_retention_period = instance.backup_retention_days;
  out.preferred_backup_window = instance.backup_window;
  out.db_instance_automated_backups_arn = automated_backups_arn(instance);
  out.backup_target = "region";
  out.multi_tenant = false;
  out.dedicated_log_volume = false;
  return out;
}

Result<bool> passes(const DBInstanceAutomatedBackup& backup, const wire::List<Filter>& filters) {
  for (const Filter& filter : filters) {
    const std::optional<std::string>* value =
        filter.name == "status"            ? &backup.status
        : filter.name == "db-instance-id"  ? &backup.db_instance_identifier
        : filter.name == "dbi-resource-id" ? &backup.dbi_resource_id
                                           : nullptr;
    if (!value) {
      return fail("InvalidParameterValue",
                  fmt::format("Unrecognized filter name: {}", filter.name));
    }
    if (std::ranges::find(filter.values, **value) == filter.values.end()) return false;
  }
  return true;
}

}  // namespace

task<Result<DescribeDBInstanceAutomatedBackupsResponse>> describe_db_instance_automated_backups(
    Rds& rds, const RequestContext& ctx, DescribeDBInstanceAutomatedBackupsRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  const Tables tables = rds.tables(ctx.scope);
  std::vector<DBInstanceAutomatedBackup> found;
  for (const auto& row : tables.instances.list()) {
    if (row.value.backup_retention_days > 0) found.push_back(to_shape(rds, row.value, false));
  }
  for (const auto& row : tables.retained_backups.list())
    found.push_back(to_shape(rds, row.value, true));
  std::vector<DBInstanceAutomatedBackup> kept;
  for (DBInstanceAutomatedBackup& backup : found) {
    if (in.dbi_resource_id && *in.dbi_resource_id != *backup.dbi_resource_id) continue;
    if (in.db_instance_identifier && *in.db_instance_identifier != *backup.db_instance_identifier)
      continue;
    if (in.db_instance_automated_backups_arn &&
        *in.db_instance_automated_backups_arn != *backup.db_instance_automated_backups_arn)
      continue;
    LF_CO_TRY(good, passes(backup, in.filters));
    if (good) kept.push_back(std::move(backup));
  }
  if (kept.empty() &&
      (in.dbi_resource_id || in.db_instance_automated_backups_arn || in.db_instance_identifier)) {
    co_return errors::db_instance_automated_backup_not_found("No automated backup found.");
  }
  const auto name = [](const DBInstanceAutomatedBackup& backup) { return *backup.dbi_resource_id; };
  std::ranges::sort(kept, {}, name);
  auto cut = cut_page(std::move(kept), page, name);
  DescribeDBInstanceAutomatedBackupsResponse out;
  for (auto& backup : cut.items) out.db_instance_automated_backups.push_back(std::move(backup));
  out.marker = cut.marker;
  co_return out;
}

task<Result<DeleteDBInstanceAutomatedBackupResponse>> delete_db_instance_automated_backup(
    Rds& rds, const RequestContext& ctx, DeleteDBInstanceAutomatedBackupRequest in) {
  const auto is_meant = [&](const DbInstance& instance) {
    return in.dbi_resource_id.value_or("") == instance.resource_id ||
           in.db_instance_automated_backups_arn.value_or("") == automated_backups_arn(instance);
  };
  const Tables tables = rds.tables(ctx.scope);
  for (const auto& row : tables.instances.list()) {
    if (is_meant(row.value)) {
      co_return errors::invalid_db_instance_automated_backup_state(
          "The automated backup is active: set the instance's BackupRetentionPeriod to 0.");
    }
  }
  for (const auto& row : tables.retained_backups.list()) {
    if (!is_meant(row.value)) continue;
    DeleteDBInstanceAutomatedBackupResponse out;
    out.db_instance_automated_backup = to_shape(rds, row.value, true);
    auto dropped = co_await drop_all_backups(rds, row.value);
    if (!dropped && dropped.error().code == "in-use")
      co_return errors::invalid_db_instance_automated_backup_state(dropped.error().message);
    if (!dropped) co_return std::unexpected(dropped.error());
    LF_CO_OK(co_await rds.store.commit({{}, {tables.retained_backups.remove(row.id)}}));
    out.db_instance_automated_backup->status = "deleting";
    co_return out;
  }
  co_return errors::db_instance_automated_backup_not_found("No automated backup found.");
}

}  // namespace landfall::rds
