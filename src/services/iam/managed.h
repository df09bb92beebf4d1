// Managed policies as the API shows them, AWS's and the account's.
#pragma once

#include "services/iam/entities.h"
#include "services/iam/managed_policies.h"

namespace landfall::iam {

// The account's own policy with this very ARN; NoSuchEntity, also for AWS's.
Result<store::Row<PolicyRecord>> need_policy(const Iam& iam, const std::string& arn);
// As edit<Kind>, by ARN. AWS's own cannot be changed: AccessDenied.
task<Result<void>> edit_policy(Iam& iam, std::string arn,
                               std::function<Result<bool>(PolicyRecord&)> change);

// How often each policy is attached in the account, by ARN; second: as a boundary.
struct Usage {
  std::map<std::string, std::int32_t> attached;
  std::map<std::string, std::int32_t> boundaries;
};
Usage usage_of(const Iam& iam, const std::string& account);

Policy to_policy(const PolicyRecord& policy, const std::string& account, const Usage& usage);
Policy to_policy(const ManagedPolicy& policy, const Usage& usage);
std::string version_name(std::int32_t number);  // "v1"

}  // namespace landfall::iam
