// operations: CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, UpdateKeyDescription
// operations: ScheduleKeyDeletion, CancelKeyDeletion
#include "services/kms/shapes.h"

namespace landfall::kms {

task<Result<CreateKeyResponse>> create_key(Kms& kms, const RequestContext& ctx,
                                           CreateKeyRequest in) {
  const std::string spec =
      in.key_spec.value_or(in.customer_master_key_spec.value_or("SYMMETRIC_DEFAULT"));
  if (spec != "SYMMETRIC_DEFAULT" ||
      in.key_usage.value_or("ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" ||
      in.origin.value_or("AWS_KMS") != "AWS_KMS" || in.multi_region.value_or(false)) {
    co_return errors::unsupported_operation(
        "Only symmetric encryption keys of one region are served here: KeySpec SYMMETRIC_DEFAULT, "
        "KeyUsage ENCRYPT_DECRYPT, Origin AWS_KMS.");
  }
  if (in.policy) LF_CO_OK(check_policy(*in.policy));
  KeyRecord key = kms.make_key(ctx.scope, in.policy.value_or(""));
  key.description = in.description.value_or("");
  LF_CO_OK(add_tags(key, in.tags));
  const auto keys = kms.keys(ctx.scope);
  LF_CO_OK(co_await kms.store.commit({{keys.absent(key.id)}, {keys.put(key.id, key)}}));
  co_return CreateKeyResponse{.key_metadata = to_metadata(ctx.scope, key)};
}

task<Result<DescribeKeyResponse>> describe_key(Kms& kms, const RequestContext& ctx,
                                               DescribeKeyRequest in) {
  LF_CO_TRY(row, co_await kms.find(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:DescribeKey"));
  co_return DescribeKeyResponse{.key_metadata = to_metadata(ctx.scope, row.value)};
}

task<Result<ListKeysResponse>> list_keys(Kms& kms, const RequestContext& ctx, ListKeysRequest in) {
  LF_CO_TRY(after, read_marker("keys", in.marker));
  const auto limit = std::size_t(in.limit.value_or(100));
  auto rows = kms.keys(ctx.scope).list({}, after, limit + 1);
  ListKeysResponse out;
  out.next_marker = store::cut_page(rows, limit, [](const auto& row) { return row.id; }, "keys");
  out.truncated = out.next_marker.has_value();
  out.keys.present = true;
  for (const auto& row : rows) {
    out.keys.push_back({.key_id = row.id, .key_arn = key_arn(ctx.scope, row.id)});
  }
  co_return out;
}

task<Result<EnableKeyResponse>> enable_key(Kms& kms, const RequestContext& ctx,
                                           EnableKeyRequest in) {
  LF_CO_OK(co_await change(
      kms, ctx, in.key_id, "kms:EnableKey",
      [](KeyRecord& key) -> Result<bool> { return !std::exchange(key.enabled, true); }));
  co_return EnableKeyResponse{};
}

task<Result<DisableKeyResponse>> disable_key(Kms& kms, const RequestContext& ctx,
                                             DisableKeyRequest in) {
  LF_CO_OK(co_await change(
      kms, ctx, in.key_id, "kms:DisableKey",
      [](KeyRecord& key) -> Result<bool> { return std::exchange(key.enabled, false); }));
  co_return DisableKeyResponse{};
}

task<Result<UpdateKeyDescriptionResponse>> update_key_description(Kms& kms,
                                                                  const RequestContext& ctx,
                                                                  UpdateKeyDescriptionRequest in) {
  LF_CO_OK(co_await change(kms, ctx, in.key_id, "kms:UpdateKeyDescription",
                           [text = in.description](KeyRecord& key) -> Result<bool> {
                             key.description = text;
                             return true;
                           }));
  co_return UpdateKeyDescriptionResponse{};
}

// Its time over, the key is as good as gone (Kms::find_exact); the sweep removes the record.
task<Result<ScheduleKeyDeletionResponse>> schedule_key_deletion(Kms& kms, const RequestContext& ctx,
                                                                ScheduleKeyDeletionRequest in) {
  const int days = in.pending_window_in_days.value_or(30);
  const TimePoint at = ctx.now + std::chrono::hours(24) * days;
  LF_CO_TRY(row, co_await change(kms, ctx, in.key_id, "kms:ScheduleKeyDeletion",
                                 [at, days](KeyRecord& key) -> Result<bool> {
                                   key.deleted_at = at;
                                   key.window_days = days;
                                   return true;
                                 }));
  co_return ScheduleKeyDeletionResponse{.key_id = key_arn(ctx.scope, row.id),
                                        .deletion_date = at,
                                        .key_state = "PendingDeletion",
                                        .pending_window_in_days = days};
}

task<Result<CancelKeyDeletionResponse>> cancel_key_deletion(Kms& kms, const RequestContext& ctx,
                                                            CancelKeyDeletionRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:CancelKeyDeletion"));
  const std::string arn = key_arn(ctx.scope, row.id);
  LF_CO_OK(co_await kms.keys(ctx.scope).update(row.id, [arn](KeyRecord& key) -> Result<bool> {
    if (key.deleted_at == TimePoint{}) {
      return errors::kms_invalid_state(fmt::format("{} is not pending deletion.", arn));
    }
    key.deleted_at = {};
    key.window_days = 0;
    key.enabled = false;  // as on AWS: to be enabled by hand
    return true;
  }));
  co_return CancelKeyDeletionResponse{.key_id = arn};
}

}  // namespace landfall::kms
