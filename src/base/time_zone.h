// Time zones of the IANA database, as the machine keeps it in /usr/share/zoneinfo (RFC 8536).
// libstdc++ 12 has no zones, and the C library's are of the whole process.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace landfall {

class TimeZone {
 public:
  // UTC.
  TimeZone() = default;
  // name: "Europe/Berlin", "UTC". Errors: "time-zone-unknown" (no such name),
  // "time-zone-unreadable".
  static Result<TimeZone> open(std::string_view name,
                               const std::filesystem::path& folder = "/usr/share/zoneinfo");
  // The content of such a file. Error "time-zone-unreadable".
  static Result<TimeZone> parse(std::string_view file);

  // What clocks show more than UTC at `t`.
  std::chrono::seconds offset(TimePoint t) const;
  // The first moment at which clocks show `local` (seconds since 1970 as if they showed UTC). None:
  // they jump over it in spring. In autumn they show an hour twice; it is the first that counts.
  std::optional<TimePoint> moment_of(std::chrono::seconds local) const;

 private:
  struct Transition {
    std::int64_t at = 0;  // seconds since 1970
    std::int32_t offset = 0;
  };
  // When summer time begins or ends in a year: the rule after the last transition.
  struct YearlyRule {
    enum class Kind { none, month_week_day, julian, day } kind = Kind::none;
    int month = 0, week = 0, day = 0;
    int time_s = 2 * 3600;  // of the local clock before the change
  };
  struct Tail {
    std::int32_t standard = 0;
    std::int32_t summer = 0;
    YearlyRule begin, end;
  };
  static Result<Tail> parse_tail(std::string_view text);
  static std::int64_t day_of(const YearlyRule& rule, int year);
  std::int32_t tail_offset(std::int64_t at) const;

  std::vector<Transition> transitions_;  // in order; the first is the beginning of time
  Tail tail_;
};

}  // namespace landfall
