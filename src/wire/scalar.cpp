#include "wire/scalar.h"

#include <cmath>

#include "base/bytes.h"

namespace landfall::wire {
namespace {

template <class T>
bool read_number(std::string_view text, T& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Years 1 to 9999: those that the text forms can write.
bool in_range(double seconds) { return seconds >= -62135596800.0 && seconds < 253402300800.0; }

bool read_double(std::string_view text, double& out) {
  if (text == "NaN") return out = std::numeric_limits<double>::quiet_NaN(), true;
  if (text == "Infinity") return out = std::numeric_limits<double>::infinity(), true;
  if (text == "-Infinity") return out = -std::numeric_limits<double>::infinity(), true;
  return read_number(text, out) && std::isfinite(out);
}

std::string write_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return fmt::format("{}", value);
}

bool read_time(std::string_view text, TimePoint& out) {
  double seconds = 0;
  if (read_number(text, seconds)) return read_epoch(seconds, out);
  const auto parsed = parse_time(text);
  if (!parsed || !in_range(double(to_unix_ms(*parsed)) / 1000)) return false;
  out = *parsed;
  return true;
}

std::string write_time(TimePoint time, TimeFormat format) {
  switch (format) {
    case TimeFormat::epoch:
      return write_epoch(time);
    case TimeFormat::http_date:
      return format_http_date(time);
    default:
      return format_iso8601(time, to_unix_ms(time) % 1000 != 0);
  }
}

// Length of the well-formed sequence at the start of `text`, 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return length <= text.size() && is_valid_utf8(text.substr(0, length)) ? length : 0;
}

}  // namespace

bool is_scalar(Kind kind) {
  return kind != Kind::structure && kind != Kind::list && kind != Kind::map &&
         kind != Kind::document;
}

bool read_epoch(double seconds, TimePoint& out) {
  if (!in_range(seconds)) return false;
  out = from_unix_ms(std::llround(seconds * 1000));
  return true;
}

bool read_integer(double number, std::int64_t& out) {
  if (!(std::abs(number) < 9007199254740992.0) || number != std::floor(number)) return false;
  out = static_cast<std::int64_t>(number);
  return true;
}

std::string write_epoch(TimePoint time) {
  const std::int64_t ms = to_unix_ms(time);
  if (ms % 1000 == 0) return fmt::format("{}", ms / 1000);
  return fmt::format("{}{}.{:03}", ms < 0 ? "-" : "", std::abs(ms) / 1000, std::abs(ms) % 1000);
}

bool read_scalar(const Shape& shape, std::string_view text, void* out) {
  switch (shape.kind) {
    case Kind::string:
      *static_cast<std::string*>(out) = text;
      return true;
    case Kind::blob: {
      auto bytes = base64_decode(text);
      if (bytes) *static_cast<std::string*>(out) = std::move(*bytes);
      return bytes.has_value();
    }
    case Kind::boolean:
      *static_cast<bool*>(out) = text == "true" || text == "True" || text == "TRUE";
      return *static_cast<bool*>(out) || text == "false" || text == "False" || text == "FALSE";
    case Kind::int32:
      return read_number(text, *static_cast<std::int32_t*>(out));
    case Kind::int64:
      return read_number(text, *static_cast<std::int64_t*>(out));
    case Kind::float64:
      return read_double(text, *static_cast<double*>(out));
    case Kind::timestamp:
      return read_time(text, *static_cast<TimePoint*>(out));
    default:
      return false;
  }
}

std::string write_scalar(const Shape& shape, const void* value, TimeFormat format,
                         TimeFormat otherwise) {
  switch (shape.kind) {
    case Kind::string:
      return *static_cast<const std::string*>(value);
    case Kind::blob:
      return base64_encode(*static_cast<const std::string*>(value));
    case Kind::boolean:
      return *static_cast<const bool*>(value) ? "true" : "false";
    case Kind::int32:
      return fmt::format("{}", *static_cast<const std::int32_t*>(value));
    case Kind::int64:
      return fmt::format("{}", *static_cast<const std::int64_t*>(value));
    case Kind::float64:
      return write_double(*static_cast<const double*>(value));
    case Kind::timestamp:
      return write_time(*static_cast<const TimePoint*>(value),
                        format == TimeFormat::by_protocol ? otherwise : format);
    default:
      return {};
  }
}

std::string valid_utf8(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string out;
  out.reserve(text.size() + 16);
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    out += length ? text.substr(0, length) : "\xef\xbf\xbd";
    text.remove_prefix(length ? length : 1);
  }
  return out;
}

}  // namespace landfall::wire
