// operations: CreateServiceLinkedRole, DeleteServiceLinkedRole
// operations: GetServiceLinkedRoleDeletionStatus
#include "services/iam/linked_roles.h"

#include "services/iam/entities.h"

namespace landfall::iam {

task<Result<CreateServiceLinkedRoleResponse>> create_service_linked_role(
    Iam& iam, const RequestContext& ctx, CreateServiceLinkedRoleRequest in) {
  if (in.custom_suffix) {
    co_return errors::invalid_input(
        fmt::format("Custom suffix is not allowed for {}", in.aws_service_name));
  }
  LF_CO_TRY(role, co_await create_linked_role(iam, ctx.scope.account, in.aws_service_name,
                                              in.description.value_or("")));
  co_return CreateServiceLinkedRoleResponse{.role = to_role(role, ctx.scope.account)};
}

task<Result<DeleteServiceLinkedRoleResponse>> delete_service_linked_role(
    Iam& iam, const RequestContext& ctx, DeleteServiceLinkedRoleRequest in) {
  const auto roles = iam.roles(ctx.scope.account);
  const auto row = roles.get(key_of(in.role_name));
  if (!row || row->value.linked_service.empty()) co_return no_such("role", in.role_name);
  LF_CO_TRY(gone, co_await iam.commit(
                      {{roles.unchanged(row->id, row->revision)}, {roles.remove(row->id)}}));
  if (!gone) co_return errors::concurrent_modification("The role was changed by another request.");
  co_return DeleteServiceLinkedRoleResponse{
      .deletion_task_id = fmt::format("task/aws-service-role/{}/{}/{}", row->value.linked_service,
                                      row->value.name, iam.random.uuid())};
}

// Deletion is done when DeleteServiceLinkedRole answers.
task<Result<GetServiceLinkedRoleDeletionStatusResponse>> get_service_linked_role_deletion_status(
    Iam&, const RequestContext&, GetServiceLinkedRoleDeletionStatusRequest in) {
  if (!in.deletion_task_id.starts_with("task/aws-service-role/")) {
    co_return errors::no_such_entity(
        fmt::format("The deletion task {} cannot be found.", in.deletion_task_id));
  }
  co_return GetServiceLinkedRoleDeletionStatusResponse{.status = "SUCCEEDED"};
}

}  // namespace landfall::iam
