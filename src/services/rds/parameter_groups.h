// Finding parameter groups, the default ones included, which have no record.
#pragma once

#include "services/rds/parameters.h"

namespace landfall::rds {

// "default.postgres16" of an account and region; none for other names.
std::optional<DbParameterGroup> default_group(const Rds& rds, const Scope& scope,
                                              const std::string& name);
// Names ignore case. Error DBParameterGroupNotFound.
Result<DbParameterGroup> find_group(Rds& rds, const Scope& scope, std::string name);

}  // namespace landfall::rds
