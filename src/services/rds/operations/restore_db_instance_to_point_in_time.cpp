// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html
#include "services/rds/backups.h"
#include "services/rds/restore.h"
#include "services/rds/state.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

struct Source {
  DbInstance instance;
  bool running = false;  // its server can be asked
};

Result<Source> find_source(Rds& rds, const Scope& scope,
                           const RestoreDBInstanceToPointInTimeRequest& in) {
  const Tables tables = rds.tables(scope);
  if (in.source_db_instance_identifier) {
    LF_TRY(found, find_instance(rds, scope, *in.source_db_instance_identifier));
    return Source{found, found.status == "available"};
  }
  for (auto& row : tables.instances.list()) {
    if (in.source_dbi_resource_id.value_or("") == row.value.resource_id ||
        in.source_db_instance_automated_backups_arn.value_or("") ==
            automated_backups_arn(row.value))
      return Source{row.value, row.value.status == "available"};
  }
  for (auto& row : tables.retained_backups.list()) {
    if (in.source_dbi_resource_id.value_or("") == row.value.resource_id ||
        in.source_db_instance_automated_backups_arn.value_or("") ==
            automated_backups_arn(row.value))
      return Source{row.value, false};
  }
  return errors::db_instance_automated_backup_not_found(
      fmt::format("There are no automated backups {}.",
                  in.source_dbi_resource_id.value_or(
                      in.source_db_instance_automated_backups_arn.value_or(""))));
}

Result<void> check_question(const RestoreDBInstanceToPointInTimeRequest& in) {
  const int sources = int(in.source_db_instance_identifier.has_value()) +
                      int(in.source_dbi_resource_id.has_value()) +
                      int(in.source_db_instance_automated_backups_arn.has_value());
  if (sources != 1) {
    return fail("InvalidParameterCombination",
                "Exactly one of SourceDBInstanceIdentifier, SourceDbiResourceId and "
                "SourceDBInstanceAutomatedBackupsArn must be given.");
  }
  if (in.restore_time.has_value() == in.use_latest_restorable_time.value_or(false)) {
    return fail("InvalidParameterCombination",
                "Specify either RestoreTime or UseLatestRestorableTime, not both.");
  }
  return refuse_unsupported({{in.max_allocated_storage.has_value(), "MaxAllocatedStorage"}});
}

Origin origin_of(const DbInstance& source) {
  Origin out{source.engine_version, source.storage_type,    source.database,
             source.master_user,    source.master_verifier, source.volume_key};
  out.allocated_storage_gib = source.allocated_storage_gib;
  out.port = source.port;
  out.backup_retention_days = source.backup_retention_days;
  out.instance_class = source.instance_class;
  out.tags = source.tags;
  return out;
}

}  // namespace

// What has been committed until now can be restored, not only what AWS would have archived: a
// running source is asked to archive the rest first.
task<Result<RestoreDBInstanceToPointInTimeResponse>> restore_db_instance_to_point_in_time(
    Rds& rds, const RequestContext& ctx, RestoreDBInstanceToPointInTimeRequest in) {
  LF_CO_TRY(identifier,
            check_identifier(in.target_db_instance_identifier, "TargetDBInstanceIdentifier"));
  LF_CO_OK(check_question(in));
  LF_CO_OK(check_unused(rds, ctx.scope, identifier));
  LF_CO_TRY(source, find_source(rds, ctx.scope, in));
  if (source.instance.backup_retention_days == 0) {
    co_return errors::point_in_time_restore_not_enabled(
        fmt::format("Point in time restore is not enabled for instance {}: its "
                    "BackupRetentionPeriod is 0.",
                    source.instance.identifier));
  }
  if (source.running && restorable_window(rds, source.instance) &&
      (!in.restore_time ||
       (*in.restore_time > *source.instance.latest_restorable_at && *in.restore_time < ctx.now))) {
    LF_CO_TRY(moment, co_await archive_now(rds, source.instance));
    source.instance.latest_restorable_at = moment;
  }
  const auto window = restorable_window(rds, source.instance);
  if (!window) {
    co_return errors::invalid_db_instance_state(
        fmt::format("Instance {} has no automated backup yet.", source.instance.identifier));
  }
  const TimePoint moment = in.restore_time.value_or(window->latest);
  if (moment < window->earliest || moment > window->latest) {
    co_return fail("InvalidParameterValue",
                   fmt::format("RestoreTime {} is not within the restorable time: {} to {}",
                               format_iso8601(moment), format_iso8601(window->earliest),
                               format_iso8601(window->latest)));
  }
  const auto base = base_snapshot(rds, ctx.scope, source.instance.resource_id, moment);
  if (!base) co_return errors::invalid_db_instance_state("The automated backup is gone.");

  Origin origin = origin_of(source.instance);
  origin.engine_version = base->engine_version;
  LF_CO_TRY(instance, co_await restored_instance(rds, ctx, in, identifier, origin));
  instance.restore_snapshot = base->volume_snapshot;
  instance.restore_segments = true;
  instance.restore_source = source.instance.resource_id;
  instance.restore_base_at = base->created_at;
  instance.restore_until = in.restore_time;
  LF_CO_TRY(added, co_await add_instance(rds, ctx, std::move(instance)));
  RestoreDBInstanceToPointInTimeResponse out;
  out.db_instance = std::move(added);
  co_return out;
}

}  // namespace landfall::rds
