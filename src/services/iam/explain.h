// IAM's part of `landfall why`: what a user or role was refused lately and still would be, with the
// statement that is missing or in the way.
#pragma once

#include "reconcile/why.h"
#include "services/iam/identities.h"

namespace landfall::iam {

// reference: the ARN or name of a user or role, the ARN of a role's session, or an access key id.
task<std::optional<reconcile::Explanation>> explain(Identities& identities, Iam& iam, Scope scope,
                                                    std::string reference);

}  // namespace landfall::iam
