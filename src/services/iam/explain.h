// IAM's part of `landfall why`: what a user or role was refused lately and still would be, with the
// statement that is missing or in the way.
#pragma once

#include "reconcile/why.h"
#include "services/iam/identities.h"

namespace landfall::iam {

// What an AccessDenied message says, wherever in a text it is: "User: ARN is not authorized to
// perform: ACTION on resource: ARN because ...". None: there is none.
struct Refusal {
  std::string who;
  std::string action;
  std::string resource;  // may be empty
};
std::optional<Refusal> read_refusal(std::string_view text);

// reference: the ARN or name of a user or role, the ARN of a role's session, an access key id, or
// the message of a refusal.
task<std::optional<reconcile::Explanation>> explain(Identities& identities, Iam& iam, Scope scope,
                                                    std::string reference);

}  // namespace landfall::iam
