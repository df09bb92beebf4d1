// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBSnapshot.html
#include "services/rds/keys.h"
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "services/rds/snapshots.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

// Without a key of its own, a copy has its source's: none, or the same. Another region cannot use
// that one.
task<Result<VolumeKey>> key_of_copy(Rds& rds, const RequestContext& ctx, DbSnapshot source,
                                    std::optional<std::string> wanted) {
  LF_CO_OK(check_key_use(rds, ctx, source.volume_key));
  if (wanted) {
    LF_CO_TRY(arn, co_await find_key_arn(rds, ctx, *wanted));
    if (arn != source.volume_key.kms_key_arn)
      co_return co_await make_volume_key(rds, ctx, wanted, source.instance_resource_id);
  } else if (!source.volume_key.empty() && source.region != ctx.scope.region) {
    co_return fail("InvalidParameterCombination",
                   "KmsKeyId must be specified to copy an encrypted snapshot from another region.");
  }
  co_return source.volume_key;
}

}  // namespace

// Records intent only: the snapshot controller copies.
task<Result<CopyDBSnapshotResponse>> copy_db_snapshot(Rds& rds, const RequestContext& ctx,
                                                      CopyDBSnapshotRequest in) {
  LF_CO_OK(refuse_unsupported({
      {in.target_custom_availability_zone.has_value(), "TargetCustomAvailabilityZone"},
      {in.snapshot_availability_zone.has_value(), "SnapshotAvailabilityZone"},
      {in.snapshot_target.value_or("region") != "region", "SnapshotTarget"},
      {in.copy_option_group.value_or(false), "CopyOptionGroup"},
      {in.option_group_name && !in.option_group_name->starts_with("default:postgres"),
       "OptionGroupName"},
  }));
  LF_CO_TRY(identifier,
            check_identifier(in.target_db_snapshot_identifier, "TargetDBSnapshotIdentifier"));
  LF_CO_TRY(tags, to_tags(in.tags));
  LF_CO_TRY(source, find_snapshot(rds, ctx.scope, in.source_db_snapshot_identifier));
  if (source.status != "available") {
    co_return errors::invalid_db_snapshot_state(
        fmt::format("Snapshot {} is not in available state.", source.identifier));
  }
  if (in.copy_tags.value_or(false)) tags.insert(source.tags.begin(), source.tags.end());
  LF_CO_TRY(key, co_await key_of_copy(rds, ctx, source, in.kms_key_id));

  DbSnapshot copy = source;
  copy.identifier = identifier;
  copy.region = ctx.scope.region;
  copy.volume_snapshot = fmt::format("rds-snap-{}", rds.random.hex(16));
  copy.volume_key = key;
  copy.automated = false;
  copy.status = "creating";
  copy.tags = std::move(tags);
  copy.created_at = ctx.now;
  copy.complete_at.reset();
  copy.copied_from = source.arn();
  copy.copied_volume = source.volume_snapshot;
  copy.copied_key = source.volume_key;
  if (source.copied_from.empty()) copy.taken_at = source.created_at;
  const auto table = rds.tables(ctx.scope).snapshots;
  LF_CO_TRY(done,
            co_await rds.store.commit({{table.absent(identifier)}, {table.put(identifier, copy)}}));
  if (!done.succeeded) {
    co_return errors::db_snapshot_already_exists(fmt::format(
        "Cannot create the snapshot because a snapshot with the identifier {} already exists.",
        identifier));
  }
  CopyDBSnapshotResponse out;
  out.db_snapshot = to_shape(copy);
  co_return out;
}

}  // namespace landfall::rds
