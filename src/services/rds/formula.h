// Values of DB parameters that depend on the instance: "{DBInstanceClassMemory/9531392}",
// "LEAST({DBInstanceClassMemory/9531392},5000)".
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ParamValuesRef.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::rds {

struct FormulaInputs {
  std::int64_t instance_class_memory = 0;  // bytes
  std::int64_t allocated_storage = 0;      // bytes
  std::int64_t vcpus = 0;
  std::int64_t port = 0;
};

// Does the value need evaluating at all?
bool is_formula(std::string_view value);

// A plain value is its own result. Integers throughout; division truncates. Error
// InvalidParameterValue.
Result<std::string> evaluate_formula(std::string_view value, const FormulaInputs& inputs);

}  // namespace landfall::rds
