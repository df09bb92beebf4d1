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

}  // namespace landfall::wire
