// The session policies of a request: they can only take away.
#pragma once

#include "services/sts/service.h"
#include "wire/sts/types.h"

namespace landfall::sts {

struct SessionPolicies {
  std::vector<std::string> documents;
  std::optional<std::int32_t> packed_percent;  // of what a session may carry; absent: none given
};

// Errors MalformedPolicyDocument, PackedPolicyTooLarge.
Result<SessionPolicies> session_policies(const Sts& sts, const std::optional<std::string>& policy,
                                         const wire::List<PolicyDescriptorType>& policy_arns);

// As long as the role lets a session be. Error ValidationError.
Result<void> check_duration(const iam::RoleRecord& role, std::int32_t seconds);

Credentials to_credentials(const iam::RoleCredentials& made);

}  // namespace landfall::sts
