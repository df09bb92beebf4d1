#include "proxy/health/matcher.h"

#include <fmt/format.h>

#include <charconv>

#include "proxy/http1/scan.h"

namespace landfall::proxy {

Result<CodeMatcher> CodeMatcher::parse(std::string_view text) {
  CodeMatcher out;
  bool good = true;
  const auto number = [&](std::string_view digits) {
    int value = -1;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || value < 0)
      good = false;
    return value;
  };
  http1::for_each_member(text, [&](std::string_view member) {
    const std::size_t dash = member.find('-');
    const int from = number(member.substr(0, dash));
    const int to = dash == std::string_view::npos ? from : number(member.substr(dash + 1));
    if (to < from) good = false;
    out.ranges_.emplace_back(from, to);
  });
  if (!good || out.ranges_.empty())
    return fail("matcher-invalid", fmt::format("'{}' is no list of codes", text));
  return out;
}

bool CodeMatcher::matches(int code) const {
  for (const auto& [from, to] : ranges_) {
    if (code >= from && code <= to) return true;
  }
  return false;
}

}  // namespace landfall::proxy
