#include "services/iam/trust.h"
#include "services/sts/session_policies.h"
#include "wire/sts/operations.h"

namespace landfall::sts {
namespace {

Result<void> check_chaining(const Principal& who, std::int32_t seconds) {
  if (who.kind == Principal::Kind::assumed_role && seconds > 3600) {
    return fail("ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining");
  }
  return {};
}

iam::policy::ContextKeys context_keys(const AssumeRoleRequest& in) {
  iam::policy::ContextKeys keys;
  keys.set("sts:RoleSessionName", in.role_session_name);
  if (in.external_id) keys.set("sts:ExternalId", *in.external_id);
  std::vector<std::string> names;
  for (const Tag& tag : in.tags) {
    keys.set("aws:RequestTag/" + tag.key, tag.value);
    names.push_back(tag.key);
  }
  if (!names.empty()) keys.set("aws:TagKeys", std::move(names));
  return keys;
}

}  // namespace

task<Result<AssumeRoleResponse>> assume_role(Sts& sts, const RequestContext& ctx,
                                             AssumeRoleRequest in) {
  if (ctx.principal.kind == Principal::Kind::root) {
    co_return fail("AccessDenied", "Roles may not be assumed by root accounts.", 403);
  }
  if (iam::is_federated_user(ctx.principal)) {
    co_return fail("AccessDenied", "Cannot call AssumeRole with federation credentials", 403);
  }
  if (in.serial_number || in.token_code) {
    co_return fail("AccessDenied",
                   "MultiFactorAuthentication failed: there are no MFA devices here.", 403);
  }
  for (const auto& [given, name] : {std::pair(in.source_identity.has_value(), "SourceIdentity"),
                                    std::pair(!in.transitive_tag_keys.empty(), "TransitiveTagKeys"),
                                    std::pair(!in.provided_contexts.empty(), "ProvidedContexts")}) {
    // Left out, they would change what conditions see: better refused than ignored.
    if (given) co_return fail("ValidationError", fmt::format("{} is not supported here.", name));
  }
  LF_CO_TRY(caller, sts.access.identity_of(ctx));
  LF_CO_TRY(role, iam::find_trusting_role(sts.iam, in.role_arn, *caller, "sts:AssumeRole", ctx,
                                          context_keys(in)));
  const std::int32_t seconds = in.duration_seconds.value_or(3600);
  LF_CO_OK(check_chaining(ctx.principal, seconds));
  LF_CO_OK(check_duration(role, seconds));
  LF_CO_TRY(policies, session_policies(sts, in.policy, in.policy_arns));
  iam::SessionRecord session{.account = Arn::parse(in.role_arn)->account,
                             .kind = int(Principal::Kind::assumed_role),
                             .name = role.name,
                             .id = role.id,
                             .session_name = in.role_session_name,
                             .policies = policies.documents};
  for (const Tag& tag : in.tags) session.tags.push_back({tag.key, tag.value});
  const auto made = iam::issue_session(sts.iam, std::move(session), std::chrono::seconds(seconds));
  co_return AssumeRoleResponse{
      .credentials = to_credentials(made),
      .assumed_role_user =
          AssumedRoleUser{.assumed_role_id = made.assumed_role_id, .arn = made.assumed_role_arn},
      .packed_policy_size = policies.packed_percent};
}

}  // namespace landfall::sts
