// Role trust: who may take a role.
#pragma once

#include "services/iam/port.h"
#include "services/iam/service.h"

namespace landfall::iam {

// The role with this very ARN.
std::optional<RoleRecord> find_role_record(const Iam& iam, const std::string& role_arn);

// May the caller take the role, by its trust policy (and, where that names the account, by the
// caller's own policies)? AccessDenied in STS's words, also when there is no such role: STS does
// not tell who exists.
Result<RoleRecord> find_trusting_role(const Iam& iam, const std::string& role_arn,
                                      const Identity& caller, const std::string& action,
                                      const RequestContext& ctx, policy::ContextKeys keys);

}  // namespace landfall::iam
