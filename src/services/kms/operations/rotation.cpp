// operations: EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand
// operations: ListKeyRotations
#include "services/kms/shapes.h"

namespace landfall::kms {
namespace {

constexpr std::size_t kMostOnDemand = 25;

}  // namespace

task<Result<EnableKeyRotationResponse>> enable_key_rotation(Kms& kms, const RequestContext& ctx,
                                                            EnableKeyRotationRequest in) {
  LF_CO_OK(co_await change(
      kms, ctx, in.key_id, "kms:EnableKeyRotation",
      [days = in.rotation_period_in_days, now = ctx.now](KeyRecord& key) -> Result<bool> {
        key.rotates = true;
        key.rotation_days = days.value_or(key.rotation_days);
        key.rotates_next = now + std::chrono::hours(24) * key.rotation_days;
        return true;
      }));
  co_return EnableKeyRotationResponse{};
}

task<Result<DisableKeyRotationResponse>> disable_key_rotation(Kms& kms, const RequestContext& ctx,
                                                              DisableKeyRotationRequest in) {
  LF_CO_OK(co_await change(kms, ctx, in.key_id, "kms:DisableKeyRotation",
                           [](KeyRecord& key) -> Result<bool> {
                             key.rotates_next = {};
                             return std::exchange(key.rotates, false);
                           }));
  co_return DisableKeyRotationResponse{};
}

task<Result<GetKeyRotationStatusResponse>> get_key_rotation_status(Kms& kms,
                                                                   const RequestContext& ctx,
                                                                   GetKeyRotationStatusRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:GetKeyRotationStatus"));
  const KeyRecord& key = row.value;
  GetKeyRotationStatusResponse out{.key_rotation_enabled = key.rotates, .key_id = key.id};
  if (key.rotates) out.rotation_period_in_days = key.rotation_days;
  if (key.rotates && key.rotates_next != TimePoint{}) out.next_rotation_date = key.rotates_next;
  co_return out;
}

task<Result<RotateKeyOnDemandResponse>> rotate_key_on_demand(Kms& kms, const RequestContext& ctx,
                                                             RotateKeyOnDemandRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  const MaterialRecord material = kms.make_material(row.id, true);
  LF_CO_OK(co_await change(
      kms, ctx, in.key_id, "kms:RotateKeyOnDemand",
      [material, scope = ctx.scope](KeyRecord& key) -> Result<bool> {
        LF_OK(check_usable(scope, key));
        const auto before = std::ranges::count_if(key.materials, &MaterialRecord::on_demand);
        if (std::size_t(before) >= kMostOnDemand) {
          return errors::limit_exceeded("A key can be rotated on demand at most 25 times.");
        }
        key.materials.push_back(material);
        return true;
      }));
  co_return RotateKeyOnDemandResponse{.key_id = row.id};
}

// The first material came with the key: no rotation.
task<Result<ListKeyRotationsResponse>> list_key_rotations(Kms& kms, const RequestContext& ctx,
                                                          ListKeyRotationsRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:ListKeyRotations"));
  LF_CO_TRY(after, read_marker("rotations", in.marker));
  std::vector<std::pair<std::string, RotationsListEntry>> all;
  const auto& materials = row.value.materials;
  for (std::size_t i = 1; i < materials.size(); ++i) {
    std::string id = fmt::format("{:08}", i);
    if (id <= after) continue;
    all.emplace_back(
        std::move(id),
        RotationsListEntry{.key_id = row.id,
                           .key_material_id = materials[i].id,
                           .rotation_date = materials[i].created,
                           .rotation_type = materials[i].on_demand ? "ON_DEMAND" : "AUTOMATIC"});
  }
  ListKeyRotationsResponse out;
  out.next_marker = store::cut_page(
      all, std::size_t(in.limit.value_or(100)), [](const auto& item) { return item.first; },
      "rotations");
  out.truncated = out.next_marker.has_value();
  out.rotations.present = true;
  for (auto& [id, rotation] : all) out.rotations.push_back(std::move(rotation));
  co_return out;
}

}  // namespace landfall::kms
