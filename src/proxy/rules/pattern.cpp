#include "proxy/rules/pattern.h"

#include "proxy/http1/scan.h"

namespace landfall::proxy {

Pattern::Pattern(std::string_view text, bool ignore_case)
    : text_(text),
      ignore_case_(ignore_case),
      plain_(text.find_first_of("*?") == std::string_view::npos) {
  if (ignore_case_) {
    for (char& c : text_) c = http1::lower(c);
  }
}

// Linear in practice, text times stars at worst: after a mismatch only the last '*' is tried again
// one character further, never the ones before it.
bool Pattern::matches(std::string_view text) const {
  if (plain_) return ignore_case_ ? http1::equals_lower(text, text_) : text == text_;
  std::size_t at = 0, pattern = 0;
  std::size_t star = std::string::npos, resume = 0;
  while (at < text.size()) {
    const char c = ignore_case_ ? http1::lower(text[at]) : text[at];
    if (pattern < text_.size() && text_[pattern] == '*') {
      star = pattern++;
      resume = at;
    } else if (pattern < text_.size() && (text_[pattern] == '?' || text_[pattern] == c)) {
      ++pattern;
      ++at;
    } else if (star != std::string::npos) {
      pattern = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (pattern < text_.size() && text_[pattern] == '*') ++pattern;
  return pattern == text_.size();
}

}  // namespace landfall::proxy
