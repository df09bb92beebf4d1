// Grants: rights to a key that its policy does not name, given to one principal and taken back by
// themselves. A grant is evaluated as one more statement of the key's policy, so that an explicit
// denial overrides it.
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
#pragma once

#include "services/kms/service.h"

namespace landfall::kms {

// The statements that stand for a grant, to be added to a policy.
json::array statements_of(const GrantRecord& grant);
// The policy text with them.
std::string with_grants(const std::string& policy, const std::vector<GrantRecord>& grants);

// The token names the grant; it is no secret: grants count from the moment they are made.
std::string grant_token(const Scope& scope, const GrantRecord& grant);
struct NamedGrant {
  std::string key_id;
  std::string grant_id;
};
std::optional<NamedGrant> read_grant_token(const Scope& scope, std::string_view token);

}  // namespace landfall::kms
