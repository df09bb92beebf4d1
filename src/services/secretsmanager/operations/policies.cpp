// operations: GetResourcePolicy, PutResourcePolicy, DeleteResourcePolicy, ValidateResourcePolicy
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {
namespace {

Result<std::shared_ptr<const iam::policy::Document>> parse(const std::string& text) {
  auto parsed = iam::policy::Document::parse(text, iam::policy::DocumentKind::resource);
  if (!parsed) return errors::malformed_policy_document(parsed.error().message);
  return parsed;
}

// Everybody, without a condition: hardly what was meant.
bool is_public(const iam::policy::Document& policy) {
  return std::ranges::any_of(policy.statements(), [](const iam::policy::Statement& statement) {
    return statement.allow && statement.principal && statement.principal->everyone &&
           statement.conditions.empty();
  });
}

}  // namespace

task<Result<PutResourcePolicyResponse>> put_resource_policy(Secretsmanager& service,
                                                            const RequestContext& ctx,
                                                            PutResourcePolicyRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:PutResourcePolicy"));
  LF_CO_TRY(policy, parse(in.resource_policy));
  if (in.block_public_policy.value_or(false) && is_public(*policy)) {
    co_return errors::public_policy("The resource policy grants broad access to the secret.");
  }
  LF_CO_OK(co_await service.secrets(ctx.scope).update(
      row.id, [text = in.resource_policy](SecretRecord& secret) -> Result<bool> {
        secret.policy = text;
        return true;
      }));
  co_return PutResourcePolicyResponse{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
}

task<Result<GetResourcePolicyResponse>> get_resource_policy(Secretsmanager& service,
                                                            const RequestContext& ctx,
                                                            GetResourcePolicyRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:GetResourcePolicy"));
  GetResourcePolicyResponse out{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
  if (!row.value.policy.empty()) out.resource_policy = row.value.policy;
  co_return out;
}

task<Result<DeleteResourcePolicyResponse>> delete_resource_policy(Secretsmanager& service,
                                                                  const RequestContext& ctx,
                                                                  DeleteResourcePolicyRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:DeleteResourcePolicy"));
  LF_CO_OK(
      co_await service.secrets(ctx.scope).update(row.id, [](SecretRecord& secret) -> Result<bool> {
        secret.policy.clear();
        return true;
      }));
  co_return DeleteResourcePolicyResponse{.arn = arn_of(ctx.scope, row.value),
                                         .name = row.value.name};
}

task<Result<ValidateResourcePolicyResponse>> validate_resource_policy(
    Secretsmanager&, const RequestContext&, ValidateResourcePolicyRequest in) {
  LF_CO_TRY(policy, parse(in.resource_policy));
  ValidateResourcePolicyResponse out{.policy_validation_passed = !is_public(*policy)};
  out.validation_errors.present = true;
  if (is_public(*policy)) {
    out.validation_errors.push_back(
        {.check_name = "BLOCK_PUBLIC_POLICY",
         .error_message = "The resource policy grants broad access to the secret."});
  }
  co_return out;
}

}  // namespace landfall::secretsmanager
