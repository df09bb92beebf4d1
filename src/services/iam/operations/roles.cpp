// operations: CreateRole, GetRole, DeleteRole, ListRoles, UpdateRole, UpdateRoleDescription
// operations: UpdateAssumeRolePolicy
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kTrustBytes = 4096;

Result<void> check_trust(const Iam& iam, const std::string& document) {
  if (document_size(document) > kTrustBytes) {
    return errors::limit_exceeded("Cannot exceed quota for ACLSizePerRole: 4096");
  }
  return check_trust_document(iam, document);
}

std::unexpected<Error> protected_role(const RoleRecord& role) {
  return errors::unmodifiable_entity(
      fmt::format("Cannot perform the operation on the protected role '{}' - this role is only "
                  "modifiable by AWS",
                  role.name));
}

}  // namespace

task<Result<CreateRoleResponse>> create_role(Iam& iam, const RequestContext& ctx,
                                             CreateRoleRequest in) {
  LF_CO_OK(check_path(in.path));
  const std::string& account = ctx.scope.account;
  LF_CO_OK(check_tags(in.tags));
  LF_CO_OK(check_trust(iam, in.assume_role_policy_document));
  if (in.path.value_or("/").starts_with("/aws-service-role/")) {
    co_return fail("ValidationError",
                   "Roles in the path /aws-service-role/ are made by "
                   "CreateServiceLinkedRole.");
  }
  if (in.permissions_boundary && !iam.managed_document(*in.permissions_boundary)) {
    co_return errors::no_such_entity(
        fmt::format("Policy {} does not exist or is not attachable.", *in.permissions_boundary));
  }
  const RoleRecord role{.name = in.role_name,
                        .path = in.path.value_or("/"),
                        .id = iam.new_id("AROA"),
                        .created = ctx.now,
                        .description = in.description.value_or(""),
                        .longest_session_seconds = in.max_session_duration.value_or(3600),
                        .trust = in.assume_role_policy_document,
                        .boundary = in.permissions_boundary.value_or(""),
                        .tags = to_records(in.tags)};
  const auto roles = iam.roles(account);
  const std::string key = key_of(role.name);
  LF_CO_TRY(made, co_await iam.commit({{roles.absent(key)}, {roles.put(key, role)}}));
  if (!made) {
    co_return errors::entity_already_exists(
        fmt::format("Role with name {} already exists.", in.role_name));
  }
  co_return CreateRoleResponse{.role = to_role(role, account)};
}

task<Result<GetRoleResponse>> get_role(Iam& iam, const RequestContext& ctx, GetRoleRequest in) {
  LF_CO_TRY(role, need<RoleKind>(iam, ctx.scope.account, in.role_name));
  Role out = to_role(role, ctx.scope.account);
  out.role_last_used = RoleLastUsed{};
  co_return GetRoleResponse{.role = std::move(out)};
}

task<Result<DeleteRoleResponse>> delete_role(Iam& iam, const RequestContext& ctx,
                                             DeleteRoleRequest in) {
  const auto roles = iam.roles(ctx.scope.account);
  const auto row = roles.get(key_of(in.role_name));
  if (!row) co_return no_such("role", in.role_name);
  const RoleRecord& role = row->value;
  if (!role.linked_service.empty()) co_return protected_role(role);
  const bool in_profile = std::ranges::any_of(
      iam.instance_profiles(ctx.scope.account).list(),
      [&](const auto& profile) { return key_of(profile.value.role) == row->id; });
  const char* left = in_profile                               ? "remove roles from instance profile"
                     : !role.policies.inline_policies.empty() ? "delete policies"
                     : !role.policies.attached.empty()        ? "detach all policies"
                                                              : nullptr;
  if (left) {
    co_return errors::delete_conflict(fmt::format("Cannot delete entity, must {} first.", left));
  }
  LF_CO_TRY(gone, co_await iam.commit(
                      {{roles.unchanged(row->id, row->revision)}, {roles.remove(row->id)}}));
  if (!gone) co_return errors::concurrent_modification("The role was changed by another request.");
  co_return DeleteRoleResponse{};
}

task<Result<ListRolesResponse>> list_roles(Iam& iam, const RequestContext& ctx,
                                           ListRolesRequest in) {
  std::vector<std::pair<std::string, Role>> all;
  for (const auto& row : iam.roles(ctx.scope.account).list()) {
    if (!is_below(row.value.path, in.path_prefix)) continue;
    Role role = to_role(row.value, ctx.scope.account);
    role.tags = {};  // the list leaves them out
    all.emplace_back(row.id, std::move(role));
  }
  LF_CO_TRY(page, page_of("roles", std::move(all), in.marker, in.max_items));
  co_return ListRolesResponse{
      .roles = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<UpdateRoleResponse>> update_role(Iam& iam, const RequestContext& ctx,
                                             UpdateRoleRequest in) {
  const auto set = [description = in.description,
                    seconds = in.max_session_duration](RoleRecord& role) -> Result<bool> {
    if (!role.linked_service.empty()) return protected_role(role);
    if (description) role.description = *description;
    if (seconds) role.longest_session_seconds = *seconds;
    return true;
  };
  LF_CO_OK(co_await edit<RoleKind>(iam, ctx.scope.account, in.role_name, set));
  co_return UpdateRoleResponse{};
}

task<Result<UpdateRoleDescriptionResponse>> update_role_description(
    Iam& iam, const RequestContext& ctx, UpdateRoleDescriptionRequest in) {
  const auto set = [description = in.description](RoleRecord& role) -> Result<bool> {
    role.description = description;
    return true;
  };
  LF_CO_OK(co_await edit<RoleKind>(iam, ctx.scope.account, in.role_name, set));
  LF_CO_TRY(role, need<RoleKind>(iam, ctx.scope.account, in.role_name));
  co_return UpdateRoleDescriptionResponse{.role = to_role(role, ctx.scope.account)};
}

task<Result<UpdateAssumeRolePolicyResponse>> update_assume_role_policy(
    Iam& iam, const RequestContext& ctx, UpdateAssumeRolePolicyRequest in) {
  LF_CO_OK(check_trust(iam, in.policy_document));
  const auto set = [document = in.policy_document](RoleRecord& role) -> Result<bool> {
    if (!role.linked_service.empty()) return protected_role(role);
    role.trust = document;
    return true;
  };
  LF_CO_OK(co_await edit<RoleKind>(iam, ctx.scope.account, in.role_name, set));
  co_return UpdateAssumeRolePolicyResponse{};
}

}  // namespace landfall::iam
