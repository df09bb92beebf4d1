// When something happens again and again: at(...), rate(...), cron(...).
// https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
#pragma once

#include <bitset>
#include <variant>

#include "base/time_zone.h"

namespace landfall {

class Schedule {
 public:
  // timezone: for at and cron; empty: UTC. Error "invalid-schedule", worded for the caller.
  static Result<Schedule> parse(std::string_view text, std::string_view timezone);

  // The first time after `after`; none: never again. begin: what a rate is counted from.
  std::optional<TimePoint> next(TimePoint after, TimePoint begin) const;
  // The latest time in (after, until].
  std::optional<TimePoint> latest(TimePoint after, TimePoint until, TimePoint begin) const;
  bool once() const { return std::holds_alternative<At>(when_); }

 private:
  struct At {
    TimePoint moment;
  };
  struct Rate {
    std::chrono::minutes every;
  };
  struct Cron {
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<13> months;
    std::bitset<230> years;  // since 1970
    std::bitset<32> days;
    bool last_day = false;                           // "L"
    std::optional<int> nearest_weekday;              // "15W"; 0: "LW"
    bool by_weekday = false;                         // the day of month is "?"
    std::bitset<7> weekdays;                         // Sunday is 0
    std::optional<int> last_weekday;                 // "6L": the month's last Friday
    std::optional<std::pair<int, int>> nth_weekday;  // "6#3": the third Friday

    bool on(std::chrono::year_month_day date) const;
  };
  static Result<Cron> parse_cron(std::string_view text);
  std::optional<TimePoint> next_cron(const Cron& cron, TimePoint after) const;

  std::variant<At, Rate, Cron> when_;
  TimeZone zone_;
};

}  // namespace landfall
