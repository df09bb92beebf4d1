// The functions of metric math, by name.
#pragma once

#include "services/cloudwatch/math/evaluate.h"

namespace landfall::cloudwatch::math {

// Error "math": unknown or not served, or arguments that do not fit.
Result<Value> call(const std::string& function, const std::vector<Value>& arguments,
                   const Frame& frame);

// One value from two, at every time that both sides have.
using Operation = double (*)(double, double);
Result<Value> combine(Operation operation, const Value& left, const Value& right);

}  // namespace landfall::cloudwatch::math
