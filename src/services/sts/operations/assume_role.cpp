#include "services/iam/trust.h"
#include "services/sts/service.h"
#include "wire/sts/operations.h"

namespace landfall::sts {
namespace {

constexpr std::size_t kLargestPackedPolicies = 2048;

// The session policies of the request, parsed. Error MalformedPolicyDocument.
Result<std::vector<std::string>> session_policies(const Sts& sts, const AssumeRoleRequest& in) {
  std::vector<std::string> out;
  if (in.policy) {
    LF_OK(iam::policy::Document::parse(*in.policy, iam::policy::DocumentKind::identity));
    out.push_back(*in.policy);
  }
  std::size_t size = in.policy ? in.policy->size() : 0;
  for (const PolicyDescriptorType& descriptor : in.policy_arns) {
    auto text = sts.iam.managed_document(descriptor.arn.value_or(""));
    if (!text) {
      return fail("MalformedPolicyDocument",
                  fmt::format("Policy ARN {} is not valid", descriptor.arn.value_or("")));
    }
    size += descriptor.arn->size();
    out.push_back(std::move(*text));
  }
  if (size > kLargestPackedPolicies) {
    return fail("PackedPolicyTooLarge",
                fmt::format("PackedPolicySize: {}%. The session policies are too large.",
                            size * 100 / kLargestPackedPolicies));
  }
  return out;
}

Result<void> check_duration(const iam::RoleRecord& role, const Principal& who,
                            std::int32_t seconds) {
  if (who.kind == Principal::Kind::assumed_role && seconds > 3600) {
    return fail("ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining");
  }
  if (seconds > role.longest_session_seconds) {
    return fail("ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
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
  LF_CO_OK(check_duration(role, ctx.principal, seconds));
  LF_CO_TRY(policies, session_policies(sts, in));
  iam::SessionRecord session{.account = Arn::parse(in.role_arn)->account,
                             .kind = int(Principal::Kind::assumed_role),
                             .name = role.name,
                             .id = role.id,
                             .session_name = in.role_session_name,
                             .policies = policies};
  for (const Tag& tag : in.tags) session.tags.push_back({tag.key, tag.value});
  const auto made = iam::issue_session(sts.iam, std::move(session), std::chrono::seconds(seconds));
  AssumeRoleResponse out{
      .credentials = Credentials{.access_key_id = made.access_key_id,
                                 .secret_access_key = made.secret_access_key,
                                 .session_token = made.session_token,
                                 .expiration = made.expires_at},
      .assumed_role_user =
          AssumedRoleUser{.assumed_role_id = made.assumed_role_id, .arn = made.assumed_role_arn}};
  if (in.policy) {
    out.packed_policy_size = std::int32_t(in.policy->size() * 100 / kLargestPackedPolicies);
  }
  co_return out;
}

}  // namespace landfall::sts
