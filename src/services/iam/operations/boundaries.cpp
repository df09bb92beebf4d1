// operations: PutUserPermissionsBoundary, DeleteUserPermissionsBoundary
// operations: PutRolePermissionsBoundary, DeleteRolePermissionsBoundary
#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

template <class Kind>
task<Result<void>> set(Iam& iam, std::string account, std::string owner, std::string arn) {
  if (!arn.empty() && !iam.managed_document(arn)) {
    co_return errors::no_such_entity(
        fmt::format("Policy {} does not exist or is not attachable.", arn));
  }
  const auto change = [arn, owner](typename Kind::Record& record) -> Result<bool> {
    if (arn.empty() && record.boundary.empty()) {
      return errors::no_such_entity(fmt::format("{} does not have a permissions boundary.", owner));
    }
    record.boundary = arn;
    return true;
  };
  co_return co_await edit<Kind>(iam, account, owner, change);
}

}  // namespace

task<Result<PutUserPermissionsBoundaryResponse>> put_user_permissions_boundary(
    Iam& iam, const RequestContext& ctx, PutUserPermissionsBoundaryRequest in) {
  LF_CO_OK(co_await set<UserKind>(iam, ctx.scope.account, in.user_name, in.permissions_boundary));
  co_return PutUserPermissionsBoundaryResponse{};
}
task<Result<DeleteUserPermissionsBoundaryResponse>> delete_user_permissions_boundary(
    Iam& iam, const RequestContext& ctx, DeleteUserPermissionsBoundaryRequest in) {
  LF_CO_OK(co_await set<UserKind>(iam, ctx.scope.account, in.user_name, ""));
  co_return DeleteUserPermissionsBoundaryResponse{};
}
task<Result<PutRolePermissionsBoundaryResponse>> put_role_permissions_boundary(
    Iam& iam, const RequestContext& ctx, PutRolePermissionsBoundaryRequest in) {
  LF_CO_OK(co_await set<RoleKind>(iam, ctx.scope.account, in.role_name, in.permissions_boundary));
  co_return PutRolePermissionsBoundaryResponse{};
}
task<Result<DeleteRolePermissionsBoundaryResponse>> delete_role_permissions_boundary(
    Iam& iam, const RequestContext& ctx, DeleteRolePermissionsBoundaryRequest in) {
  LF_CO_OK(co_await set<RoleKind>(iam, ctx.scope.account, in.role_name, ""));
  co_return DeleteRolePermissionsBoundaryResponse{};
}

}  // namespace landfall::iam
