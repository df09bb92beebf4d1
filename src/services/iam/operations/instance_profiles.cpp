// operations: CreateInstanceProfile, GetInstanceProfile, DeleteInstanceProfile
// operations: ListInstanceProfiles, ListInstanceProfilesForRole, AddRoleToInstanceProfile
// operations: RemoveRoleFromInstanceProfile
#include "services/iam/entities.h"

namespace landfall::iam {

task<Result<CreateInstanceProfileResponse>> create_instance_profile(
    Iam& iam, const RequestContext& ctx, CreateInstanceProfileRequest in) {
  LF_CO_OK(check_path(in.path));
  LF_CO_OK(check_tags(in.tags));
  const InstanceProfileRecord profile{.name = in.instance_profile_name,
                                      .path = in.path.value_or("/"),
                                      .id = iam.new_id("AIPA"),
                                      .created = ctx.now,
                                      .tags = to_records(in.tags)};
  const auto profiles = iam.instance_profiles(ctx.scope.account);
  const std::string key = key_of(profile.name);
  LF_CO_TRY(made, co_await iam.commit({{profiles.absent(key)}, {profiles.put(key, profile)}}));
  if (!made) {
    co_return errors::entity_already_exists(
        fmt::format("Instance Profile {} already exists.", in.instance_profile_name));
  }
  co_return CreateInstanceProfileResponse{.instance_profile =
                                              to_instance_profile(iam, profile, ctx.scope.account)};
}

task<Result<GetInstanceProfileResponse>> get_instance_profile(Iam& iam, const RequestContext& ctx,
                                                              GetInstanceProfileRequest in) {
  LF_CO_TRY(profile, need<InstanceProfileKind>(iam, ctx.scope.account, in.instance_profile_name));
  co_return GetInstanceProfileResponse{.instance_profile =
                                           to_instance_profile(iam, profile, ctx.scope.account)};
}

task<Result<DeleteInstanceProfileResponse>> delete_instance_profile(
    Iam& iam, const RequestContext& ctx, DeleteInstanceProfileRequest in) {
  const auto profiles = iam.instance_profiles(ctx.scope.account);
  const auto row = profiles.get(key_of(in.instance_profile_name));
  if (!row) co_return no_such("instance profile", in.instance_profile_name);
  if (!row->value.role.empty()) {
    co_return errors::delete_conflict(
        "Cannot delete entity, must remove roles from instance profile first.");
  }
  LF_CO_TRY(gone, co_await iam.commit(
                      {{profiles.unchanged(row->id, row->revision)}, {profiles.remove(row->id)}}));
  if (!gone) {
    co_return errors::concurrent_modification("The profile was changed by another request.");
  }
  co_return DeleteInstanceProfileResponse{};
}

task<Result<ListInstanceProfilesResponse>> list_instance_profiles(Iam& iam,
                                                                  const RequestContext& ctx,
                                                                  ListInstanceProfilesRequest in) {
  std::vector<std::pair<std::string, InstanceProfile>> all;
  for (const auto& row : iam.instance_profiles(ctx.scope.account).list()) {
    if (!is_below(row.value.path, in.path_prefix)) continue;
    all.emplace_back(row.id, to_instance_profile(iam, row.value, ctx.scope.account));
  }
  LF_CO_TRY(page, page_of("instance-profiles", std::move(all), in.marker, in.max_items));
  co_return ListInstanceProfilesResponse{
      .instance_profiles = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<ListInstanceProfilesForRoleResponse>> list_instance_profiles_for_role(
    Iam& iam, const RequestContext& ctx, ListInstanceProfilesForRoleRequest in) {
  LF_CO_TRY(role, need<RoleKind>(iam, ctx.scope.account, in.role_name));
  std::vector<std::pair<std::string, InstanceProfile>> all;
  for (const auto& row : iam.instance_profiles(ctx.scope.account).list()) {
    if (key_of(row.value.role) != key_of(role.name)) continue;
    all.emplace_back(row.id, to_instance_profile(iam, row.value, ctx.scope.account));
  }
  LF_CO_TRY(page, page_of("instance-profiles-for-role", std::move(all), in.marker, in.max_items));
  co_return ListInstanceProfilesForRoleResponse{
      .instance_profiles = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<AddRoleToInstanceProfileResponse>> add_role_to_instance_profile(
    Iam& iam, const RequestContext& ctx, AddRoleToInstanceProfileRequest in) {
  const auto roles = iam.roles(ctx.scope.account);
  const auto profiles = iam.instance_profiles(ctx.scope.account);
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    const auto role = roles.get(key_of(in.role_name));
    if (!role) co_return no_such("role", in.role_name);
    auto profile = profiles.get(key_of(in.instance_profile_name));
    if (!profile) co_return no_such("instance profile", in.instance_profile_name);
    if (!profile->value.role.empty()) {
      co_return errors::limit_exceeded(
          "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    }
    profile->value.role = role->value.name;
    // With the role's revision, so that it is not deleted at the same moment.
    LF_CO_TRY(done, co_await iam.commit({{roles.unchanged(role->id, role->revision),
                                          profiles.unchanged(profile->id, profile->revision)},
                                         {profiles.put(profile->id, profile->value)}}));
    if (done) co_return AddRoleToInstanceProfileResponse{};
  }
  co_return errors::concurrent_modification("The profile was changed by other requests.");
}

task<Result<RemoveRoleFromInstanceProfileResponse>> remove_role_from_instance_profile(
    Iam& iam, const RequestContext& ctx, RemoveRoleFromInstanceProfileRequest in) {
  const auto clear = [role = in.role_name](InstanceProfileRecord& profile) -> Result<bool> {
    if (profile.role.empty() || key_of(profile.role) != key_of(role)) {
      return errors::no_such_entity(
          fmt::format("Role {} is not in instance profile {}.", role, profile.name));
    }
    profile.role.clear();
    return true;
  };
  LF_CO_OK(
      co_await edit<InstanceProfileKind>(iam, ctx.scope.account, in.instance_profile_name, clear));
  co_return RemoveRoleFromInstanceProfileResponse{};
}

}  // namespace landfall::iam
