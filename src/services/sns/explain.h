// `landfall why` for topics: who waits to be confirmed, and what cannot be delivered.
#pragma once

#include "reconcile/why.h"
#include "services/sns/service.h"

namespace landfall::sns {

// reference: a topic's ARN or name.
task<std::optional<reconcile::Explanation>> explain(const Sns& sns, Scope scope,
                                                    std::string reference);

}  // namespace landfall::sns
