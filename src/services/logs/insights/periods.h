// Lengths of time in queries: 5m, 1h, 3mo.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace landfall::logs::insights {

struct Period {
  std::int64_t ms = 0;
  std::int64_t months = 0;  // months, quarters and years have no length in milliseconds
};

// Nothing when it is no period, or none above zero.
std::optional<Period> parse_period(std::string_view text);
// The beginning of the period that `ms` lies in, counted from 1970; UTC.
double floor_time(double ms, const Period& period);
// The next beginning; `ms` itself when it is one.
double ceil_time(double ms, const Period& period);

}  // namespace landfall::logs::insights
