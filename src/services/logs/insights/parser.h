// The text of a query to its commands.
#pragma once

#include "services/logs/insights/syntax.h"

namespace landfall::logs::insights {

// Error MalformedQueryException with the place.
Result<std::vector<Command>> parse_query(std::string_view query);

}  // namespace landfall::logs::insights
