#include "services/logs/insights/periods.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

namespace landfall::logs::insights {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
  std::int64_t months;
};

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
constexpr std::array kUnits{
    Unit{"ms", 1, 0},          Unit{"msec", 1, 0},      Unit{"millisecond", 1, 0},
    Unit{"s", kSecond, 0},     Unit{"sec", kSecond, 0}, Unit{"second", kSecond, 0},
    Unit{"m", kMinute, 0},     Unit{"min", kMinute, 0}, Unit{"minute", kMinute, 0},
    Unit{"h", kHour, 0},       Unit{"hr", kHour, 0},    Unit{"hour", kHour, 0},
    Unit{"d", kDay, 0},        Unit{"day", kDay, 0},    Unit{"w", 7 * kDay, 0},
    Unit{"week", 7 * kDay, 0}, Unit{"mo", 0, 1},        Unit{"mon", 0, 1},
    Unit{"month", 0, 1},       Unit{"q", 0, 3},         Unit{"qtr", 0, 3},
    Unit{"quarter", 0, 3},     Unit{"y", 0, 12},        Unit{"yr", 0, 12},
    Unit{"year", 0, 12}};

constexpr std::int64_t kMostCount = 1'000'000;
constexpr std::int64_t kMostMonths = 12'000;

// Months since 1970 begin here.
double month_begin(std::int64_t months) {
  using namespace std::chrono;
  const auto years = months >= 0 ? months / 12 : (months - 11) / 12;
  const year_month_day day = year(1970 + static_cast<int>(years)) /
                             month(static_cast<unsigned>(months - years * 12 + 1)) / 1;
  return static_cast<double>(sys_time<milliseconds>(sys_days(day)).time_since_epoch().count());
}

std::int64_t month_of(double ms) {
  using namespace std::chrono;
  const auto day = floor<days>(sys_time<milliseconds>(milliseconds(static_cast<std::int64_t>(ms))));
  const year_month_day date(day);
  return (static_cast<int>(date.year()) - 1970) * 12 + static_cast<int>(unsigned(date.month())) - 1;
}

// The years to 9999 or so.
bool in_calendar(double ms) { return std::abs(ms) < 2.5e14; }

}  // namespace

std::optional<Period> parse_period(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count <= 0 || count > kMostCount) return {};
  std::string unit(end, text.data() + text.size());
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Unit& known : kUnits) {
    const bool many = known.name.size() > 1 && known.name != "ms" &&
                      unit.size() == known.name.size() + 1 && unit.ends_with('s') &&
                      unit.starts_with(known.name);
    if (unit != known.name && !many) continue;
    if (count * known.months > kMostMonths) return {};
    return Period{count * known.ms, count * known.months};
  }
  return {};
}

double floor_time(double ms, const Period& period) {
  if (period.ms != 0) {
    const auto length = static_cast<double>(period.ms);
    return std::floor(ms / length) * length;
  }
  if (!in_calendar(ms)) return ms;
  const std::int64_t month = month_of(ms);
  const std::int64_t into = ((month % period.months) + period.months) % period.months;
  return month_begin(month - into);
}

double ceil_time(double ms, const Period& period) {
  const double begin = floor_time(ms, period);
  if (begin == ms || (period.ms == 0 && !in_calendar(ms))) return ms;
  if (period.ms != 0) return begin + static_cast<double>(period.ms);
  return month_begin(month_of(begin) + period.months);
}

}  // namespace landfall::logs::insights
