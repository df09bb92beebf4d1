#include "services/logs/insights/value.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/clock.h"

namespace landfall::logs::insights {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "+1", " 1", "inf" and "1_000" are texts.
std::optional<double> number_in(std::string_view text) {
  if (text.empty() || text.size() > 64) return {};
  const char first = text[0] == '-' && text.size() > 1 ? text[1] : text[0];
  if (!is_digit(first) && first != '.') return {};
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

int sign(std::ptrdiff_t difference) { return difference < 0 ? -1 : difference > 0 ? 1 : 0; }

// Runs of digits by their length, then by their value; everything else by its bytes.
int compare_naturally(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const auto run = [](std::string_view text) {
        return std::min(text.find_first_not_of("0123456789"), text.size());
      };
      const std::string_view left = a.substr(0, run(a));
      const std::string_view right = b.substr(0, run(b));
      if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
      if (const int order = left.compare(right); order != 0) return sign(order);
      a.remove_prefix(left.size());
      b.remove_prefix(right.size());
      continue;
    }
    if (a[0] != b[0]) {
      return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]) ? -1 : 1;
    }
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return sign(static_cast<std::ptrdiff_t>(a.size()) - static_cast<std::ptrdiff_t>(b.size()));
}

}  // namespace

std::string_view Arena::keep(std::string_view text) {
  if (text.empty()) return "";
  auto* kept = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(kept, text.data(), text.size());
  return {kept, text.size()};
}

std::optional<double> to_number(const Value& value) {
  switch (value.kind) {
    case Value::Kind::none:
      return {};
    case Value::Kind::text:
      return number_in(value.text);
    default:
      return value.number;
  }
}

std::string format_number(double number) {
  if (!std::isfinite(number))
    return std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
  const double size = std::abs(number);
  if (number == std::trunc(number) && size < 1e17) return fmt::format("{:.0f}", number + 0.0);
  if (size < 0.001 || size >= 1e17) return fmt::format("{}", number);
  std::string text = fmt::format("{:.4f}", number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string format_time(double ms) {
  constexpr double kFarthest = 253'402'300'799'999.0;  // the end of the year 9999
  if (!(ms >= 0 && ms <= kFarthest)) return format_number(ms);
  std::string text = format_iso8601(from_unix_ms(static_cast<std::int64_t>(ms)), true);
  text[10] = ' ';
  text.pop_back();
  return text;
}

std::string to_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::none:
      return {};
    case Value::Kind::text:
      return std::string(value.text);
    case Value::Kind::time:
      return format_time(value.number);
    default:
      return value.text.empty() ? format_number(value.number) : std::string(value.text);
  }
}

std::string_view to_text(const Value& value, Arena& arena) {
  if (!value.text.empty() || value.kind == Value::Kind::text) return value.text;
  return value.present() ? arena.keep(to_text(value)) : std::string_view();
}

bool is_true(const Value& value) {
  if (value.kind == Value::Kind::none) return false;
  if (value.kind == Value::Kind::text) {
    return !value.text.empty() && value.text != "false" && value.text != "0";
  }
  return value.number != 0;
}

int compare_values(const Value& a, const Value& b) {
  if (const auto left = to_number(a)) {
    if (const auto right = to_number(b)) return *left < *right ? -1 : *left > *right ? 1 : 0;
  }
  Arena arena;
  return sign(to_text(a, arena).compare(to_text(b, arena)));
}

bool same_value(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::text && b.kind == Value::Kind::text && a.text == b.text) return true;
  const auto truth = [](const Value& truth, const Value& text) {
    return truth.kind == Value::Kind::boolean && text.kind == Value::Kind::text &&
           text.text == (truth.number != 0 ? "true" : "false");
  };
  return truth(a, b) || truth(b, a) || compare_values(a, b) == 0;
}

int compare_for_sort(const Value& a, const Value& b) {
  const auto left = to_number(a);
  const auto right = to_number(b);
  if (left && right) return *left < *right ? -1 : *left > *right ? 1 : 0;
  if (left || right) return left ? 1 : -1;
  if (a.present() != b.present()) return a.present() ? 1 : -1;
  return compare_naturally(a.text, b.text);
}

}  // namespace landfall::logs::insights
