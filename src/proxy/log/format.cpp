#include "proxy/log/format.h"

#include "base/clock.h"

namespace landfall::proxy {

std::string log_time(std::int64_t unix_us) {
  std::string text = format_iso8601(from_unix_ms(unix_us / 1000));
  text.pop_back();
  return fmt::format("{}.{:06}Z", text, unix_us % 1'000'000);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  if (text.empty()) out += '-';
  for (const char c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string connection_id(std::uint64_t id) {
  if (id == 0) return "-";
  // The second half only makes it as long as AWS's.
  return fmt::format("TID_{:016x}{:016x}", id, id * 0x9e3779b97f4a7c15ULL ^ (id >> 29));
}

}  // namespace landfall::proxy
