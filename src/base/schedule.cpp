#include "base/schedule.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace landfall {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kDays = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

std::optional<int> number(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || out < 0)
    return {};
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// One field of a cron expression.
struct Field {
  int low, high;
  std::span<const std::string_view> names = {};
  int first_name = 0;

  std::optional<int> value(std::string_view text) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (std::ranges::equal(text, names[i], [](char a, char b) { return std::toupper(a) == b; }))
        return first_name + static_cast<int>(i);
    }
    const auto out = number(text);
    if (!out || *out < low || *out > high) return {};
    return out;
  }

  // "*", "5", "1-5", "0/15", "MON-FRI", lists of these. `set` is given each value.
  template <class Set>
  bool read(std::string_view text, Set set) const {
    for (std::string_view item : split(text, ',')) {
      int step = 1;
      const std::size_t slash = item.find('/');
      if (slash != std::string_view::npos) {
        const auto given = number(item.substr(slash + 1));
        if (!given || *given < 1) return false;
        step = *given;
        item = item.substr(0, slash);
      }
      int from = low, to = high;
      if (item != "*") {
        const std::size_t dash = item.find('-');
        const auto first = value(item.substr(0, dash));
        if (!first) return false;
        from = *first;
        if (dash != std::string_view::npos) {
          const auto last = value(item.substr(dash + 1));
          if (!last) return false;
          to = *last;
        } else if (slash == std::string_view::npos) {
          to = from;
        }
      }
      if (from <= to) {
        for (int v = from; v <= to; v += step) set(v);
      } else {  // "FRI-MON", "22-2": over the end
        const int size = high - low + 1;
        for (int v = from; v <= to + size; v += step) set(low + (v - low) % size);
      }
    }
    return true;
  }
};

constexpr Field kMinute{0, 59}, kHour{0, 23}, kDay{1, 31}, kYear{1970, 2199};
const Field kMonth{1, 12, kMonths, 1}, kWeekday{1, 7, kDays, 1};

std::unexpected<Error> refused(std::string_view text, std::string_view why) {
  return fail("invalid-schedule",
              fmt::format("Invalid schedule expression: {}. {}", text.substr(0, 200), why));
}

int weekday_of(year_month_day date) {
  return static_cast<int>(std::chrono::weekday(sys_days(date)).c_encoding());
}

int days_in(year_month_day date) {
  return static_cast<int>(
      static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day()));
}

// The weekday nearest to a day of the month, without leaving the month.
int nearest_weekday(year_month_day date, int wanted) {
  const int count = days_in(date);
  const int day = wanted == 0 ? count : std::min(wanted, count);
  const auto weekday = weekday_of(date.year() / date.month() / day);
  if (weekday == 6) return day == 1 ? 3 : day - 1;
  if (weekday == 0) return day == count ? day - 2 : day + 1;
  return day;
}

std::chrono::seconds local_seconds(sys_days day, int hour, int minute) {
  return std::chrono::duration_cast<std::chrono::seconds>(day.time_since_epoch()) +
         std::chrono::hours(hour) + std::chrono::minutes(minute);
}

Result<std::chrono::minutes> parse_rate(std::string_view whole, std::string_view text) {
  const auto words = split(text, ' ');
  const auto value = words.size() == 2 ? number(words[0]) : std::nullopt;
  if (!value || *value < 1 || *value > 1'000'000)
    return refused(whole, "A rate is rate(value unit), with a positive value.");
  std::string_view unit = words[1];
  // AWS wants "1 minute" and "5 minutes".
  if (unit.ends_with('s') != (*value != 1))
    return refused(whole, "The unit is singular for 1 and plural for other values.");
  if (unit.ends_with('s')) unit.remove_suffix(1);
  const int minutes = unit == "minute" ? 1 : unit == "hour" ? 60 : unit == "day" ? 24 * 60 : 0;
  if (!minutes) return refused(whole, "Units are minute, hour and day.");
  return std::chrono::minutes(std::int64_t(*value) * minutes);
}

}  // namespace

bool Schedule::Cron::on(year_month_day date) const {
  if (by_weekday) {
    const int weekday = weekday_of(date);
    const int day = static_cast<int>(static_cast<unsigned>(date.day()));
    if (last_weekday) return weekday == *last_weekday && day + 7 > days_in(date);
    if (nth_weekday) return weekday == nth_weekday->first && (day + 6) / 7 == nth_weekday->second;
    return weekdays[static_cast<std::size_t>(weekday)];
  }
  const unsigned day = static_cast<unsigned>(date.day());
  if (last_day && static_cast<int>(day) == days_in(date)) return true;
  if (nearest_weekday)
    return static_cast<int>(day) == landfall::nearest_weekday(date, *nearest_weekday);
  return days[day];
}

Result<Schedule::Cron> Schedule::parse_cron(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return refused(fmt::format("cron({})", text), why);
  };
  std::vector<std::string_view> fields;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) fields.push_back(word);
  }
  if (fields.size() != 6)
    return bad(
        "A cron expression has six fields: minutes, hours, day of month, month, day of week, "
        "year.");
  Cron out;
  const auto into = [](auto& bits, int first) {
    return [&bits, first](int value) { bits.set(static_cast<std::size_t>(value - first)); };
  };
  if (!kMinute.read(fields[0], into(out.minutes, 0))) return bad("Minutes are 0 to 59.");
  if (!kHour.read(fields[1], into(out.hours, 0))) return bad("Hours are 0 to 23.");
  if (!kMonth.read(fields[3], into(out.months, 0))) return bad("Months are 1 to 12 or JAN to DEC.");
  if (!kYear.read(fields[5], into(out.years, 1970))) return bad("Years are 1970 to 2199.");

  const std::string_view month_day = fields[2], week_day = fields[4];
  if ((month_day == "?") == (week_day == "?"))
    return bad("Exactly one of day of month and day of week is ?.");
  out.by_weekday = month_day == "?";
  if (!out.by_weekday) {
    if (month_day == "L") {
      out.last_day = true;
    } else if (month_day == "LW") {
      out.nearest_weekday = 0;
    } else if (month_day.ends_with('W')) {
      const auto day = kDay.value(month_day.substr(0, month_day.size() - 1));
      if (!day) return bad("The day before W is 1 to 31.");
      out.nearest_weekday = *day;
    } else if (!kDay.read(month_day, into(out.days, 0))) {
      return bad("Days of the month are 1 to 31, L or a day with W.");
    }
    return out;
  }
  if (week_day == "L") {
    out.weekdays.set(6);
  } else if (const std::size_t hash = week_day.find('#'); hash != std::string_view::npos) {
    const auto day = kWeekday.value(week_day.substr(0, hash));
    const auto nth = number(week_day.substr(hash + 1));
    if (!day || !nth || *nth < 1 || *nth > 5) return bad("A day with # is like 6#3.");
    out.nth_weekday = {*day - 1, *nth};
  } else if (const auto day = week_day.ends_with('L')
                                  ? kWeekday.value(week_day.substr(0, week_day.size() - 1))
                                  : std::nullopt) {
    out.last_weekday = *day - 1;
  } else if (!kWeekday.read(week_day, into(out.weekdays, 1))) {
    return bad("Days of the week are 1 to 7 or SUN to SAT.");
  }
  return out;
}

Result<Schedule> Schedule::parse(std::string_view text, std::string_view timezone) {
  Schedule out;
  if (!timezone.empty()) {
    auto zone = TimeZone::open(timezone);
    if (!zone)
      return fail("invalid-schedule",
                  fmt::format("Invalid time zone: {}.", timezone.substr(0, 64)));
    out.zone_ = std::move(*zone);
  }
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')'))
    return refused(text, "It is at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields).");
  const std::string_view kind = text.substr(0, open);
  const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  if (kind == "at") {
    const auto moment = inside.size() == 19 ? parse_time(std::string(inside) + "Z")
                                            : Result<TimePoint>(fail("", ""));
    if (!moment) return refused(text, "A time is written yyyy-mm-ddThh:mm:ss.");
    const auto local = std::chrono::duration_cast<std::chrono::seconds>(moment->time_since_epoch());
    const auto at = out.zone_.moment_of(local);
    if (!at) return refused(text, "Clocks of the time zone jump over this time.");
    out.when_ = At{*at};
  } else if (kind == "rate") {
    if (!timezone.empty())
      return fail("invalid-schedule", "Timezone can be given with at and cron expressions only.");
    LF_TRY(every, parse_rate(text, inside));
    out.when_ = Rate{every};
  } else if (kind == "cron") {
    LF_TRY(cron, parse_cron(inside));
    out.when_ = cron;
  } else {
    return refused(text, "It is at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields).");
  }
  return out;
}

// An hour that clocks skip in spring is skipped; one that they show twice counts once.
std::optional<TimePoint> Schedule::next_cron(const Cron& cron, TimePoint after) const {
  sys_days day = std::chrono::floor<days>(after + zone_.offset(after)) - days(1);
  while (true) {
    const year_month_day date(day);
    const int year = static_cast<int>(date.year());
    if (year > kYear.high) return {};
    const bool year_wanted = year >= kYear.low && cron.years[static_cast<std::size_t>(year - 1970)];
    if (!year_wanted || !cron.months[static_cast<unsigned>(date.month())]) {
      day = sys_days(date.year() / date.month() / 1) + days(days_in(date));
      continue;
    }
    if (cron.on(date)) {
      for (int hour = 0; hour < 24; ++hour) {
        if (!cron.hours[static_cast<std::size_t>(hour)]) continue;
        for (int minute = 0; minute < 60; ++minute) {
          if (!cron.minutes[static_cast<std::size_t>(minute)]) continue;
          const auto moment = zone_.moment_of(local_seconds(day, hour, minute));
          if (moment && *moment > after) return moment;
        }
      }
    }
    day += days(1);
  }
}

std::optional<TimePoint> Schedule::next(TimePoint after, TimePoint begin) const {
  if (const At* at = std::get_if<At>(&when_))
    return at->moment > after ? std::optional(at->moment) : std::nullopt;
  if (const Rate* rate = std::get_if<Rate>(&when_)) {
    if (after < begin) return begin;
    const auto passed = (after - begin) / rate->every + 1;
    return begin + passed * rate->every;
  }
  return next_cron(std::get<Cron>(when_), after);
}

std::optional<TimePoint> Schedule::latest(TimePoint after, TimePoint until, TimePoint begin) const {
  // The nearest window that holds any, so that a year's absence does not walk half a million
  // minutes.
  for (const Millis window : {Millis(std::chrono::hours(1)), Millis(days(1)), Millis(days(31)),
                              until > after ? until - after : Millis(0)}) {
    const TimePoint from = std::max(after, until - window);
    auto found = next(from, begin);
    if (!found || *found > until) continue;
    while (const auto later = next(*found, begin)) {
      if (*later > until) break;
      found = later;
    }
    return found;
  }
  return {};
}

}  // namespace landfall
