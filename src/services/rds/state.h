// Finding and changing one DB instance in an operation.
#pragma once

#include "services/rds/service.h"

namespace landfall::rds {

// Identifiers ignore case. Errors: DBInstanceNotFound.
Result<DbInstance> find_instance(Rds& rds, const Scope& scope, std::string identifier);
// Also InvalidDBInstanceState unless the status is "available".
Result<DbInstance> find_available(Rds& rds, const Scope& scope, std::string identifier);
Result<void> require_available(const DbInstance& instance);

// Edits the record, again when another writer came between; an error of `edit` leaves it as it is.
task<Result<DbInstance>> change_instance(Rds& rds, Scope scope, std::string identifier,
                                         std::function<Result<void>(DbInstance&)> edit);

}  // namespace landfall::rds
