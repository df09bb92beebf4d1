#include "services/ec2/select.h"

namespace landfall::ec2 {
namespace {

bool matches_any(const std::vector<std::string>& texts, const wire::List<std::string>& patterns) {
  return std::ranges::any_of(texts, [&](const std::string& text) {
    return std::ranges::any_of(patterns,
                               [&](const std::string& p) { return matches_pattern(text, p); });
  });
}

std::vector<std::string> keys_of(const Tags& tags) {
  std::vector<std::string> out;
  for (const auto& [key, value] : tags) out.push_back(key);
  return out;
}
std::vector<std::string> values_of(const Tags& tags) {
  std::vector<std::string> out;
  for (const auto& [key, value] : tags) out.push_back(value);
  return out;
}

}  // namespace

std::unexpected<Error> no_such(const Kind& kind, std::string_view id) {
  const bool well_formed =
      id.starts_with(kind.prefix) && id.size() > kind.prefix.size() + 8 &&
      id[kind.prefix.size()] == '-' &&
      id.substr(kind.prefix.size() + 1).find_first_not_of("0123456789abcdef") ==
          std::string_view::npos;
  if (!well_formed && !kind.malformed.empty()) {
    return fail(std::string(kind.malformed),
                fmt::format("Invalid id: \"{}\" (expecting \"{}-...\")", id, kind.prefix));
  }
  return fail(std::string(kind.not_found), fmt::format(fmt::runtime(kind.message), id));
}

bool matches_pattern(std::string_view text, std::string_view pattern) {
  // Greedy with one step back to the last star: linear in practice, never exponential.
  std::size_t t = 0, p = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() &&
               (escaped ? pattern[p + 1] == text[t] : pattern[p] == '?' || pattern[p] == text[t])) {
      p += escaped ? 2 : 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<void> check_filters(const wire::List<Filter>& filters, const Facts& facts) {
  for (const Filter& filter : filters) {
    const std::string name = filter.name.value_or("");
    if (name.starts_with("tag:") || name == "tag-key" || name == "tag-value" ||
        facts.contains(name))
      continue;
    return fail("InvalidParameterValue", fmt::format("The filter '{}' is invalid", name));
  }
  return {};
}

bool passes(const wire::List<Filter>& filters, const Facts& facts, const Tags& tags) {
  return std::ranges::all_of(filters, [&](const Filter& filter) {
    const std::string name = filter.name.value_or("");
    if (name == "tag-key") return matches_any(keys_of(tags), filter.values);
    if (name == "tag-value") return matches_any(values_of(tags), filter.values);
    if (name.starts_with("tag:")) {
      const auto found = tags.find(name.substr(4));
      return found != tags.end() && matches_any({found->second}, filter.values);
    }
    const auto found = facts.find(name);
    return found != facts.end() && matches_any(found->second, filter.values);
  });
}

Result<void> select_none(const Kind& kind, const wire::List<std::string>& ids) {
  if (ids.empty()) return {};
  return no_such(kind, ids.front());
}

}  // namespace landfall::ec2
