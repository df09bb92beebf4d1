#include "base/time_zone.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace landfall {
namespace {

using std::chrono::days;
using std::chrono::seconds;

std::unexpected<Error> unreadable() {
  return fail("time-zone-unreadable", "the time zone's file cannot be read", 500);
}

// Big-endian numbers of a file, one after the other.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool skip(std::size_t count) {
    if (rest_.size() < count) return false;
    rest_.remove_prefix(count);
    return true;
  }
  template <class T>
  bool number(T& out) {
    if (rest_.size() < sizeof(T)) return false;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = (value << 8) | static_cast<unsigned char>(rest_[i]);
    }
    out = static_cast<T>(value);
    return skip(sizeof(T));
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Counts {
  std::uint32_t utc = 0, standard = 0, leap = 0, times = 0, types = 0, characters = 0;
};

bool read_header(Reader& in, char& version, Counts& counts) {
  if (!in.rest().starts_with("TZif") || in.rest().size() < 20) return false;
  version = in.rest()[4];
  return in.skip(20) && in.number(counts.utc) && in.number(counts.standard) &&
         in.number(counts.leap) && in.number(counts.times) && in.number(counts.types) &&
         in.number(counts.characters) && counts.times < 100'000 && counts.types < 256;
}

std::size_t body_size(const Counts& c, std::size_t time_bytes) {
  return c.times * (time_bytes + 1) + c.types * 6ULL + c.characters + c.leap * (time_bytes + 4) +
         c.standard + c.utc;
}

// The parts of a POSIX TZ string.
bool take_name(std::string_view& text) {
  std::size_t end = 0;
  if (text.starts_with('<')) {
    end = text.find('>');
    if (end == std::string_view::npos) return false;
    ++end;
  } else {
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end]))) ++end;
  }
  if (end < 3) return false;
  text.remove_prefix(end);
  return true;
}

bool take_number(std::string_view& text, int& out) {
  std::size_t end = 0;
  out = 0;
  while (end < text.size() && end < 4 && std::isdigit(static_cast<unsigned char>(text[end]))) {
    out = out * 10 + (text[end++] - '0');
  }
  text.remove_prefix(end);
  return end > 0;
}

bool take(std::string_view& text, char wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

// "[+-]hh[:mm[:ss]]" in seconds.
bool take_time(std::string_view& text, int& out) {
  const bool negative = take(text, '-');
  if (!negative) take(text, '+');
  int hours = 0, minutes = 0, rest = 0;
  if (!take_number(text, hours)) return false;
  if (take(text, ':') && !take_number(text, minutes)) return false;
  if (take(text, ':') && !take_number(text, rest)) return false;
  out = (hours * 3600 + minutes * 60 + rest) * (negative ? -1 : 1);
  return true;
}

}  // namespace

Result<TimeZone::Tail> TimeZone::parse_tail(std::string_view text) {
  Tail out;
  if (text.empty()) return out;
  int west = 0;
  if (!take_name(text) || !take_time(text, west)) return unreadable();
  out.standard = out.summer = -west;
  if (text.empty()) return out;
  if (!take_name(text)) return unreadable();
  out.summer = out.standard + 3600;
  if (!text.starts_with(',')) {
    if (!take_time(text, west)) return unreadable();
    out.summer = -west;
  }
  for (YearlyRule* rule : {&out.begin, &out.end}) {
    if (!take(text, ',')) return unreadable();
    if (take(text, 'M')) {
      rule->kind = YearlyRule::Kind::month_week_day;
      if (!take_number(text, rule->month) || !take(text, '.') || !take_number(text, rule->week) ||
          !take(text, '.') || !take_number(text, rule->day) || rule->month < 1 ||
          rule->month > 12 || rule->week < 1 || rule->week > 5 || rule->day > 6) {
        return unreadable();
      }
    } else {
      rule->kind = take(text, 'J') ? YearlyRule::Kind::julian : YearlyRule::Kind::day;
      if (!take_number(text, rule->day) || rule->day > 366) return unreadable();
    }
    if (take(text, '/') && !take_time(text, rule->time_s)) return unreadable();
  }
  return out;
}

// Days since 1970 of the rule's day in `year`.
std::int64_t TimeZone::day_of(const YearlyRule& rule, int year) {
  using namespace std::chrono;
  const auto count = [](sys_days day) { return std::int64_t(day.time_since_epoch().count()); };
  const std::chrono::year y(year);
  if (rule.kind == YearlyRule::Kind::month_week_day) {
    const month m(static_cast<unsigned>(rule.month));
    const weekday wanted(static_cast<unsigned>(rule.day));
    if (rule.week == 5) return count(sys_days(y / m / wanted[last]));
    return count(sys_days(y / m / wanted[static_cast<unsigned>(rule.week)]));
  }
  const std::int64_t first = count(sys_days(y / January / 1));
  if (rule.kind == YearlyRule::Kind::day) return first + rule.day;
  // 29 February is never counted.
  return first + rule.day - 1 + (y.is_leap() && rule.day >= 60 ? 1 : 0);
}

std::int32_t TimeZone::tail_offset(std::int64_t at) const {
  if (tail_.begin.kind == YearlyRule::Kind::none) return tail_.standard;
  const auto date = std::chrono::year_month_day(
      std::chrono::floor<days>(std::chrono::sys_seconds(seconds(at + tail_.standard))));
  const int year = static_cast<int>(date.year());
  const std::int64_t begin =
      day_of(tail_.begin, year) * 86400 + tail_.begin.time_s - tail_.standard;
  const std::int64_t end = day_of(tail_.end, year) * 86400 + tail_.end.time_s - tail_.summer;
  const bool summer = begin < end ? at >= begin && at < end : at >= begin || at < end;
  return summer ? tail_.summer : tail_.standard;
}

Result<TimeZone> TimeZone::parse(std::string_view file) {
  Reader in(file);
  char version = 0;
  Counts counts;
  if (!read_header(in, version, counts)) return unreadable();
  // Files since version 2 repeat everything with 64-bit times.
  if (version < '2' || !in.skip(body_size(counts, 4)) || !read_header(in, version, counts)) {
    return unreadable();
  }
  if (counts.types == 0 || in.rest().size() < body_size(counts, 8)) return unreadable();
  std::vector<std::int64_t> times(counts.times);
  std::vector<std::uint8_t> kinds(counts.times);
  for (std::int64_t& time : times) in.number(time);
  for (std::uint8_t& kind : kinds) in.number(kind);
  std::vector<std::int32_t> offsets(counts.types);
  for (std::int32_t& offset : offsets) {
    in.number(offset);
    in.skip(2);
  }
  in.skip(counts.characters + counts.leap * 12ULL + counts.standard + counts.utc);
  TimeZone out;
  out.transitions_.push_back({INT64_MIN, offsets[0]});
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (kinds[i] >= offsets.size()) return unreadable();
    out.transitions_.push_back({times[i], offsets[kinds[i]]});
  }
  std::string_view tail = in.rest();
  if (!take(tail, '\n') || !tail.ends_with('\n')) return unreadable();
  tail.remove_suffix(1);
  LF_TRY(rule, parse_tail(tail));
  out.tail_ = rule;
  if (tail.empty()) out.tail_.standard = out.transitions_.back().offset;
  return out;
}

Result<TimeZone> TimeZone::open(std::string_view name, const std::filesystem::path& folder) {
  if (name == "UTC" || name == "Etc/UTC") return TimeZone();
  const auto unknown = [&] {
    return fail("time-zone-unknown", fmt::format("there is no time zone {}", name.substr(0, 64)));
  };
  if (name.empty() || name.size() > 64 || name.starts_with('/') || name.contains("..")) {
    return unknown();
  }
  for (const unsigned char c : name) {
    if (!std::isalnum(c) && c != '/' && c != '_' && c != '-' && c != '+') return unknown();
  }
  std::error_code ignored;
  const std::filesystem::path file = folder / name;
  if (!std::filesystem::is_regular_file(file, ignored)) return unknown();
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!text.starts_with("TZif")) return unknown();
  return parse(text);
}

seconds TimeZone::offset(TimePoint t) const {
  if (transitions_.empty()) return seconds(0);
  const std::int64_t at = std::chrono::floor<seconds>(t).time_since_epoch().count();
  if (at >= transitions_.back().at) return seconds(tail_offset(at));
  const auto after = std::ranges::upper_bound(transitions_, at, {}, &Transition::at);
  return seconds(std::prev(after)->offset);
}

std::optional<TimePoint> TimeZone::moment_of(seconds local) const {
  // No zone is a day from UTC, and no two changes of its clocks are within two days.
  const TimePoint guess(std::chrono::duration_cast<Millis>(local));
  std::optional<TimePoint> out;
  for (const TimePoint around : {guess - days(1), guess + days(1)}) {
    const TimePoint candidate = guess - offset(around);
    if (candidate + offset(candidate) == guess && (!out || candidate < *out)) out = candidate;
  }
  return out;
}

}  // namespace landfall
