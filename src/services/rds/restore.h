// What restoring from a snapshot and to a point in time share: a new instance with old data.
#pragma once

#include "services/rds/keys.h"
#include "services/rds/master_secret.h"
#include "services/rds/new_instance.h"
#include "wire/context.h"

namespace landfall::rds {

// What the data brings with it, and the new instance's defaults.
struct Origin {
  std::string engine_version, storage_type, database, master_user, master_verifier;
  VolumeKey volume_key;
  int allocated_storage_gib = 0;
  int port = 5432;
  int backup_retention_days = 1;
  std::string instance_class = "db.t4g.micro";
  Tags tags;
};
inline Origin origin_of(const DbSnapshot& snapshot) {
  Origin out{snapshot.engine_version, snapshot.storage_type,    snapshot.database,
             snapshot.master_user,    snapshot.master_verifier, snapshot.volume_key};
  out.allocated_storage_gib = snapshot.allocated_storage_gib;
  out.port = snapshot.port;
  out.tags = snapshot.tags;
  return out;
}

// `In` is either of the two requests.
template <class In>
Result<void> check_restore(const In& in, const Origin& origin) {
  if (in.engine && *in.engine != "postgres")
    return fail("InvalidParameterValue", fmt::format("Invalid DB engine: {}", *in.engine));
  if (in.allocated_storage && *in.allocated_storage < origin.allocated_storage_gib) {
    return fail("InvalidParameterValue",
                fmt::format("AllocatedStorage must not be less than the backup's {} GiB.",
                            origin.allocated_storage_gib));
  }
  LF_OK(check_password_choice(in));
  LF_OK(check_log_exports(in.enable_cloudwatch_logs_exports));
  if (in.db_instance_class) LF_OK(check_class(*in.db_instance_class));
  if (in.port) LF_OK(check_port(*in.port));
  if (in.backup_retention_period) LF_OK(check_retention(*in.backup_retention_period));
  if (in.preferred_backup_window) LF_OK(check_backup_window(*in.preferred_backup_window));
  LF_OK(refuse_unsupported_alike(in));
  return refuse_unsupported({
      {in.db_name.has_value(), "DBName"},
      {in.tde_credential_arn.has_value(), "TdeCredentialArn"},
  });
}

// Not written yet; the caller says where its volume comes from.
template <class In>
task<Result<DbInstance>> restored_instance(Rds& rds, const RequestContext& ctx, In in,
                                           std::string identifier, Origin origin) {
  LF_CO_OK(check_restore(in, origin));
  LF_CO_OK(check_key_use(rds, ctx, origin.volume_key));
  LF_CO_TRY(version, co_await choose_version(rds, origin.engine_version));
  LF_CO_TRY(parameters, check_parameter_group(rds, ctx.scope, in.db_parameter_group_name, version));
  LF_CO_TRY(tags, to_tags(in.tags));
  DbInstance instance = new_instance(rds, ctx, std::move(identifier));
  LF_CO_OK(co_await place(rds, instance,
                          {in.db_subnet_group_name, in.availability_zone, in.vpc_security_group_ids,
                           in.publicly_accessible}));
  instance.engine_version = version;
  instance.instance_class = in.db_instance_class.value_or(origin.instance_class);
  instance.allocated_storage_gib = in.allocated_storage.value_or(origin.allocated_storage_gib);
  instance.storage_type = in.storage_type.value_or(origin.storage_type);
  LF_CO_OK(check_storage(instance.allocated_storage_gib, instance.storage_type));
  instance.volume_key = origin.volume_key;
  instance.database = origin.database;
  instance.master_user = origin.master_user;
  instance.master_verifier = origin.master_verifier;
  if (in.manage_master_user_password.value_or(false)) {
    LF_CO_TRY(secret, co_await make_master_secret(rds, ctx, in.master_user_secret_kms_key_id));
    instance.master_secret = secret;
  }
  instance.port = in.port.value_or(origin.port);
  instance.parameter_group = parameters;
  take_plain_settings(in, instance);
  instance.auto_minor_version_upgrade = in.auto_minor_version_upgrade.value_or(true);
  instance.backup_retention_days =
      in.backup_retention_period.value_or(origin.backup_retention_days);
  instance.backup_window = in.preferred_backup_window.value_or(random_backup_window(rds.random));
  instance.maintenance_window = random_maintenance_window(rds.random);
  instance.tags = tags.empty() ? origin.tags : std::move(tags);
  co_return instance;
}

}  // namespace landfall::rds
