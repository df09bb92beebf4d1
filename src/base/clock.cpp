#include "base/clock.h"

#include <ctime>

namespace landfall {
namespace {

std::tm to_utc(TimePoint t) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
  std::tm out{};
  gmtime_r(&seconds, &out);
  return out;
}

std::string format(TimePoint t, const char* pattern) {
  const std::tm utc = to_utc(t);
  char buffer[64];
  return {buffer, std::strftime(buffer, sizeof buffer, pattern, &utc)};
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return {};
  int value = 0;
  for (char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  return value;
}

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Fields {
  std::optional<int> year, month, day, hour, minute, second;
};

Result<TimePoint> assemble(const Fields& f, Millis rest, std::string_view text) {
  using namespace std::chrono;
  if (f.year && f.month && f.day && f.hour && f.minute && f.second) {
    const year_month_day date{year(*f.year), month(unsigned(*f.month)), day(unsigned(*f.day))};
    if (date.ok() && *f.hour < 24 && *f.minute < 60 && *f.second < 61) {
      return TimePoint(sys_days(date)) + hours(*f.hour) + minutes(*f.minute) + seconds(*f.second) +
             rest;
    }
  }
  return fail("invalid-time", fmt::format("'{}' is not a time", text.substr(0, 64)));
}

}  // namespace

TimePoint SystemClock::now() const {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}

std::string format_iso8601(TimePoint t, bool with_millis) {
  std::string out = format(t, "%04Y-%m-%dT%H:%M:%S");
  if (with_millis) out += fmt::format(".{:03}", ((to_unix_ms(t) % 1000) + 1000) % 1000);
  return out + "Z";
}

std::string format_iso8601_basic(TimePoint t) { return format(t, "%04Y%m%dT%H%M%SZ"); }

std::string format_http_date(TimePoint t) { return format(t, "%a, %d %b %04Y %H:%M:%S GMT"); }

Result<TimePoint> parse_time(std::string_view text) {
  Fields f;
  if (text.size() == 16 && text[8] == 'T' && text[15] == 'Z') {
    f = {digits(text, 0, 4), digits(text, 4, 2),  digits(text, 6, 2),
         digits(text, 9, 2), digits(text, 11, 2), digits(text, 13, 2)};
    return assemble(f, Millis(0), text);
  }
  if (text.size() == 29 && text[3] == ',') {
    const auto month = std::ranges::find(kMonths, text.substr(8, 3));
    f = {digits(text, 12, 4), {}, digits(text, 5, 2), digits(text, 17, 2), digits(text, 20, 2),
         digits(text, 23, 2)};
    if (month != kMonths.end()) f.month = int(month - kMonths.begin()) + 1;
    return assemble(f, Millis(0), text);
  }
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != ' ')) {
    return assemble({}, Millis(0), text);
  }
  f = {digits(text, 0, 4),  digits(text, 5, 2),  digits(text, 8, 2),
       digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)};
  std::size_t at = 19;
  Millis rest(0);
  if (at < text.size() && text[at] == '.') {
    int scale = 100;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
      rest += Millis((text[at] - '0') * scale);
    }
  }
  const std::string_view zone = text.substr(at);
  if (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':') {
    const auto hours = digits(zone, 1, 2);
    const auto minutes = digits(zone, 4, 2);
    if (!hours || !minutes) return assemble({}, Millis(0), text);
    const Millis offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    rest -= zone[0] == '+' ? offset : -offset;
  } else if (!zone.empty() && zone != "Z") {
    return assemble({}, Millis(0), text);
  }
  return assemble(f, rest, text);
}

}  // namespace landfall
