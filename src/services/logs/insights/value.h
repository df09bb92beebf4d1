// What the expressions of a query work on.
#pragma once

#include <cstdint>
#include <deque>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>

namespace landfall::logs::insights {

// Holds the texts that are made while one event is looked at.
class Arena {
 public:
  std::string_view keep(std::string_view text);
  void clear() { memory_.release(); }

 private:
  char first_[4096];
  std::pmr::monotonic_buffer_resource memory_{first_, sizeof first_};
};

// A view: whoever made it owns the text (an event, an arena, the query).
struct Value {
  enum class Kind : std::uint8_t { none, text, number, boolean, time };
  Kind kind = Kind::none;
  double number = 0;           // booleans: 0 or 1; times: milliseconds since 1970
  std::string_view text = {};  // of numbers, too, where it is known how they were written

  static Value of(std::string_view text) { return {Kind::text, 0, text}; }
  static Value of(double number) { return {Kind::number, number, {}}; }
  static Value of(bool yes) { return {Kind::boolean, yes ? 1.0 : 0.0, {}}; }
  static Value time(double ms) { return {Kind::time, ms, {}}; }
  bool present() const { return kind != Kind::none; }
};

// A value that owns its text.
struct OwnedValue {
  Value::Kind kind = Value::Kind::none;
  double number = 0;
  std::string text;

  OwnedValue() = default;
  explicit OwnedValue(const Value& value)
      : kind(value.kind), number(value.number), text(value.text) {}
  Value view() const { return {kind, number, text}; }
  std::size_t bytes() const { return sizeof *this + (text.size() > 15 ? text.size() : 0); }
};

// Texts that look like numbers count as such; a value that is none is nothing.
std::optional<double> to_number(const Value& value);
// As results show it: times as "2026-11-21 10:11:38.103".
std::string to_text(const Value& value);
std::string_view to_text(const Value& value, Arena& arena);
bool is_true(const Value& value);

std::string format_number(double number);
std::string format_time(double ms);

// As numbers where both are, else as texts. Only for values that are present.
int compare_values(const Value& a, const Value& b);
bool same_value(const Value& a, const Value& b);
// The order of `sort`: what is no number before what is one; in texts, runs of digits by their
// value. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
int compare_for_sort(const Value& a, const Value& b);

}  // namespace landfall::logs::insights
