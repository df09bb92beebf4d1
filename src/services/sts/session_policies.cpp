#include "services/sts/session_policies.h"

namespace landfall::sts {
namespace {

constexpr std::size_t kLargestPackedPolicies = 2048;

}  // namespace

Result<SessionPolicies> session_policies(const Sts& sts, const std::optional<std::string>& policy,
                                         const wire::List<PolicyDescriptorType>& policy_arns) {
  SessionPolicies out;
  if (policy) {
    LF_OK(iam::policy::Document::parse(*policy, iam::policy::DocumentKind::identity));
    out.documents.push_back(*policy);
  }
  std::size_t size = policy ? policy->size() : 0;
  for (const PolicyDescriptorType& descriptor : policy_arns) {
    auto text = sts.iam.managed_document(descriptor.arn.value_or(""));
    if (!text) {
      return fail("MalformedPolicyDocument",
                  fmt::format("Policy ARN {} is not valid", descriptor.arn.value_or("")));
    }
    size += descriptor.arn->size();
    out.documents.push_back(std::move(*text));
  }
  if (size > kLargestPackedPolicies) {
    return fail("PackedPolicyTooLarge",
                fmt::format("PackedPolicySize: {}%. The session policies are too large.",
                            size * 100 / kLargestPackedPolicies));
  }
  if (size != 0) out.packed_percent = std::int32_t(size * 100 / kLargestPackedPolicies);
  return out;
}

Result<void> check_duration(const iam::RoleRecord& role, std::int32_t seconds) {
  if (seconds > role.longest_session_seconds) {
    return fail("ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  return {};
}

Credentials to_credentials(const iam::RoleCredentials& made) {
  return {.access_key_id = made.access_key_id,
          .secret_access_key = made.secret_access_key,
          .session_token = made.session_token,
          .expiration = made.expires_at};
}

}  // namespace landfall::sts
