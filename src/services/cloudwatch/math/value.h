// What metric math computes with: numbers, time series and arrays of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace landfall::cloudwatch::math {

struct TimePointValue {
  std::int64_t time_s;
  double value;
};

struct TimeSeries {
  std::string label;
  std::vector<TimePointValue> points;  // by time

  const double* at(std::int64_t time_s) const;
};

using Array = std::vector<TimeSeries>;
using Value = std::variant<double, TimeSeries, Array, std::string>;

// The periods that are asked for.
struct Frame {
  std::int64_t from_s = 0;
  std::int64_t period_s = 60;
  std::size_t count = 0;
};

}  // namespace landfall::cloudwatch::math
