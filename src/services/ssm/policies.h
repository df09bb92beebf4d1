// Parameter policies: what becomes of a parameter by itself.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
#pragma once

#include "services/ssm/records.h"

namespace landfall::ssm {

// The Policies of PutParameter; empty where it takes all away ("", "{}", "[{}]"). Notifications go
// to EventBridge, which is not there: they are refused. Errors: InvalidPolicyTypeException,
// InvalidPolicyAttributeException, IncompatiblePolicyException, PoliciesLimitExceededException.
Result<std::vector<PolicyRecord>> read_policies(const std::string& text, TimePoint now);

}  // namespace landfall::ssm
