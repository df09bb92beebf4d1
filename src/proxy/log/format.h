// Pieces of log lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace landfall::proxy {

std::string log_time(std::int64_t unix_us);  // "2018-07-02T22:23:00.186641Z"
// In quotes; what would break the line is written as \xNN. Empty: "-".
std::string in_quotes(std::string_view text);
inline std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }
// "TID_" and 32 hexadecimal digits; 0: "-".
std::string connection_id(std::uint64_t id);

}  // namespace landfall::proxy
