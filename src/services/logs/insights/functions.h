// The functions of the query language.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
#pragma once

#include <span>

#include "services/logs/insights/value.h"

namespace landfall::logs::insights {

struct Function {
  std::string_view name;  // lower case
  std::size_t least;      // arguments
  std::size_t most;
  Value (*apply)(std::span<const Value> args, Arena& arena);
};

// In any case. Null: there is none.
const Function* find_function(std::string_view name);

}  // namespace landfall::logs::insights
