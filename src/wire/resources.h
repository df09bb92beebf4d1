// What a call must be allowed to do, from the templates in models/<service>/operations: see
// docs/adr/0003.
#pragma once

#include "base/ids.h"
#include "wire/service.h"

namespace landfall::wire {

struct Demand {
  std::string_view action;             // "ecs:StopTask"
  std::vector<std::string> resources;  // ARNs, or "*"; never empty; all of them must be allowed
};

// The operation's own action first. Further ones (iam:PassRole) only where the input names what
// they are about.
std::vector<Demand> demands(const Operation& operation, const Object& input, const Scope& scope);

// What the request says that conditions may ask: the operation's own keys ("iam:PolicyARN"), and
// the tags it brings or takes away (aws:RequestTag/..., aws:TagKeys). Absent members give no key.
std::vector<std::pair<std::string, std::vector<std::string>>> request_keys(
    const Operation& operation, const Object& input, const Scope& scope);

}  // namespace landfall::wire
