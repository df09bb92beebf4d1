// operations: DescribeSecret, UpdateSecret, DeleteSecret, RestoreSecret, TagResource, UntagResource
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {
namespace {

constexpr std::chrono::hours kDay(24);

}  // namespace

task<Result<DescribeSecretResponse>> describe_secret(Secretsmanager& service,
                                                     const RequestContext& ctx,
                                                     DescribeSecretRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:DescribeSecret", true));
  const SecretRecord& secret = row.value;
  DescribeSecretResponse out{.arn = arn_of(ctx.scope, secret),
                             .name = secret.name,
                             .last_changed_date = secret.changed,
                             .tags = to_tags(secret.tags),
                             .version_ids_to_stages = to_stages(secret, true),
                             .created_date = secret.created};
  if (!secret.description.empty()) out.description = secret.description;
  if (!secret.kms_key.empty()) out.kms_key_id = secret.kms_key;
  if (secret.accessed != TimePoint{}) out.last_accessed_date = secret.accessed;
  if (secret.deleted != TimePoint{}) out.deleted_date = secret.deleted;
  add_owner(secret, out);
  describe_rotation(service, ctx.scope, secret, out);
  co_return out;
}

task<Result<UpdateSecretResponse>> update_secret(Secretsmanager& service, const RequestContext& ctx,
                                                 UpdateSecretRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:UpdateSecret"));
  LF_CO_TRY(value, value_in(in));
  if (in.kms_key_id) {
    auto key = co_await service.key_of(ctx.scope, *in.kms_key_id);
    if (!key) co_return errors::encryption_failure(key.error().message);
  }
  LF_CO_TRY(done, co_await service.secrets(ctx.scope).update(
                      row.id, [in, now = ctx.now](SecretRecord& secret) -> Result<bool> {
                        if (in.description) secret.description = *in.description;
                        if (in.kms_key_id) secret.kms_key = *in.kms_key_id;
                        secret.changed = now;
                        return true;
                      }));
  UpdateSecretResponse out{.arn = arn_of(ctx.scope, done.value), .name = done.value.name};
  if (value) {
    const std::string id = in.client_request_token.value_or(service.random.uuid());
    LF_CO_OK(co_await put_version(service, ctx, row.value.name, id, std::move(*value), {}));
    out.version_id = id;
  }
  co_return out;
}

task<Result<DeleteSecretResponse>> delete_secret(Secretsmanager& service, const RequestContext& ctx,
                                                 DeleteSecretRequest in) {
  const bool force = in.force_delete_without_recovery.value_or(false);
  if (force && in.recovery_window_in_days) {
    co_return errors::invalid_parameter(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
  }
  const std::int64_t days = in.recovery_window_in_days.value_or(30);
  if (days < 7 || days > 30) {
    co_return errors::invalid_parameter(
        "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
  }
  auto row = service.open(ctx, in.secret_id, "secretsmanager:DeleteSecret", force);
  if (!row && force && row.error().code == "ResourceNotFoundException") {
    // As on AWS: to be sure that it is gone is no error.
    co_return DeleteSecretResponse{.name = in.secret_id, .deletion_date = ctx.now};
  }
  if (!row) co_return std::unexpected(row.error());
  const auto table = service.secrets(ctx.scope);
  DeleteSecretResponse out{.arn = arn_of(ctx.scope, row->value), .name = row->value.name};
  if (force) {
    LF_CO_OK(co_await service.store.commit(
        {{}, {table.remove(row->id), service.rotations(ctx.scope).remove(row->id)}}));
    out.deletion_date = ctx.now;
    co_return out;
  }
  const TimePoint gone_at = ctx.now + kDay * days;
  LF_CO_OK(co_await table.update(row->id,
                                 [now = ctx.now, gone_at](SecretRecord& secret) -> Result<bool> {
                                   secret.deleted = now;
                                   secret.gone_at = gone_at;
                                   return true;
                                 }));
  out.deletion_date = gone_at;
  co_return out;
}

task<Result<RestoreSecretResponse>> restore_secret(Secretsmanager& service,
                                                   const RequestContext& ctx,
                                                   RestoreSecretRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:RestoreSecret", true));
  LF_CO_OK(
      co_await service.secrets(ctx.scope).update(row.id, [](SecretRecord& secret) -> Result<bool> {
        secret.deleted = secret.gone_at = {};
        return true;
      }));
  co_return RestoreSecretResponse{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
}

task<Result<TagResourceResponse>> tag_resource(Secretsmanager& service, const RequestContext& ctx,
                                               TagResourceRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:TagResource"));
  LF_CO_OK(co_await service.secrets(ctx.scope).update(
      row.id, [tags = in.tags](SecretRecord& secret) -> Result<bool> {
        LF_OK(add_tags(secret, tags));
        return true;
      }));
  co_return TagResourceResponse{};
}

task<Result<UntagResourceResponse>> untag_resource(Secretsmanager& service,
                                                   const RequestContext& ctx,
                                                   UntagResourceRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:UntagResource"));
  LF_CO_OK(co_await service.secrets(ctx.scope).update(
      row.id, [keys = in.tag_keys](SecretRecord& secret) -> Result<bool> {
        for (const std::string& key : keys) secret.tags.erase(key);
        return true;
      }));
  co_return UntagResourceResponse{};
}

}  // namespace landfall::secretsmanager
