// Finds the borders inside an HTTP/1 head: which bytes may stand where.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace landfall::proxy::http1 {

enum CharClass : std::uint8_t {
  kToken = 1,      // RFC 9110 tchar
  kPlainName = 2,  // what an ALB calls a valid header name: letters, digits, '-'
  kUri = 4,        // printable ASCII and bytes from 0x80 on, without the space
};
extern const std::array<std::uint8_t, 256> kCharClass;

inline bool is_token(char c) { return kCharClass[static_cast<unsigned char>(c)] & kToken; }

// First byte that is a control character (below 0x20 without the tab, or 0x7f); `end` when there is
// none. Sets `non_ascii` when a byte from 0x80 on lies before it.
const char* find_control(const char* at, const char* end, bool& non_ascii);

// First byte that is a space or a control character; `end` when there is none.
const char* find_space(const char* at, const char* end);

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// `b` is in lower case already.
inline bool equals_lower(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != b[i]) return false;
  }
  return true;
}

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `take` with each member of a comma-separated list, trimmed; empty members are skipped.
template <class Take>
void for_each_member(std::string_view list, Take&& take) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view member = trim(list.substr(0, comma));
    if (!member.empty()) take(member);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace landfall::proxy::http1
