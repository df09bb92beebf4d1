// Time is passed in, so that tests can be exact.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall {

// Wall-clock time with millisecond precision: what AWS APIs carry.
using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;
using Millis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
};

// A clock that moves only when told to.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimePoint start) : now_(start) {}
  TimePoint now() const override { return now_; }
  void advance(Millis by) { now_ += by; }
  void set(TimePoint to) { now_ = to; }

 private:
  TimePoint now_;
};

inline std::int64_t to_unix_ms(TimePoint t) { return t.time_since_epoch().count(); }
inline TimePoint from_unix_ms(std::int64_t ms) { return TimePoint(Millis(ms)); }

// "2026-11-21T10:11:38Z"; with_millis gives "2026-11-21T10:11:38.103Z".
std::string format_iso8601(TimePoint t, bool with_millis = false);
// "20261121T101138Z", as SigV4 writes it.
std::string format_iso8601_basic(TimePoint t);
// "Sat, 21 Nov 2026 10:11:38 GMT" (RFC 9110).
std::string format_http_date(TimePoint t);
// Any of the three forms above, with optional fraction (any number of digits) and "+hh:mm" offset.
Result<TimePoint> parse_time(std::string_view text);

}  // namespace landfall
