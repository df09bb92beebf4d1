// operations: GetKeyPolicy, PutKeyPolicy, ListKeyPolicies
#include "services/kms/shapes.h"

namespace landfall::kms {
namespace {

Result<void> check_name(const std::optional<std::string>& name) {
  if (name.value_or("default") == "default") return {};
  return errors::not_found("No such policy exists");
}

}  // namespace

task<Result<GetKeyPolicyResponse>> get_key_policy(Kms& kms, const RequestContext& ctx,
                                                  GetKeyPolicyRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:GetKeyPolicy"));
  LF_CO_OK(check_name(in.policy_name));
  co_return GetKeyPolicyResponse{.policy = row.value.policy, .policy_name = "default"};
}

// A policy that would lock everybody out of changing it again is refused, unless the caller
// insists.
task<Result<PutKeyPolicyResponse>> put_key_policy(Kms& kms, const RequestContext& ctx,
                                                  PutKeyPolicyRequest in) {
  LF_CO_OK(check_name(in.policy_name));
  LF_CO_OK(check_policy(in.policy));
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  if (!in.bypass_policy_lockout_safety_check.value_or(false)) {
    KeyRecord changed = row.value;
    changed.policy = in.policy;
    if (!kms.authorize(ctx, changed, "kms:PutKeyPolicy")) {
      co_return errors::malformed_policy_document(
          "The new key policy will not allow you to update the key policy in the future.");
    }
  }
  LF_CO_OK(co_await change(kms, ctx, in.key_id, "kms:PutKeyPolicy",
                           [text = in.policy](KeyRecord& key) -> Result<bool> {
                             key.policy = text;
                             return true;
                           }));
  co_return PutKeyPolicyResponse{};
}

task<Result<ListKeyPoliciesResponse>> list_key_policies(Kms& kms, const RequestContext& ctx,
                                                        ListKeyPoliciesRequest in) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, in.key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, "kms:ListKeyPolicies"));
  ListKeyPoliciesResponse out{.truncated = false};
  out.policy_names = {"default"};
  co_return out;
}

}  // namespace landfall::kms
