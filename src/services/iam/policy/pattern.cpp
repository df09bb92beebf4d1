#include "services/iam/policy/pattern.h"

namespace landfall::iam::policy {
namespace {

constexpr char kAny = '\x01';
constexpr char kOne = '\x02';

// Control characters of the pattern language do not occur in names; a value that holds one matches
// nothing.
bool has_control(std::string_view text) {
  return text.find_first_of(std::string_view("\x01\x02", 2)) != std::string_view::npos;
}

// "key" or "key, 'default'"
std::pair<std::string, std::optional<std::string>> split_variable(std::string_view inside) {
  const std::size_t comma = inside.find(',');
  std::string_view key = inside.substr(0, comma);
  while (key.ends_with(' ')) key.remove_suffix(1);
  while (key.starts_with(' ')) key.remove_prefix(1);
  std::optional<std::string> fallback;
  if (comma != std::string_view::npos) {
    const std::size_t open = inside.find('\'', comma);
    const std::size_t close = inside.rfind('\'');
    if (open != std::string_view::npos && close > open) {
      fallback = std::string(inside.substr(open + 1, close - open - 1));
    }
  }
  return {lower_case(key), fallback};
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  }
  return out;
}

void ContextKeys::set(std::string_view key, std::string value) {
  set(key, std::vector<std::string>{std::move(value)});
}

void ContextKeys::set(std::string_view key, std::vector<std::string> values) {
  std::string lower = lower_case(key);
  for (auto& [name, held] : entries_) {
    if (name == lower) {
      held = std::move(values);
      return;
    }
  }
  entries_.emplace_back(std::move(lower), std::move(values));
}

const std::vector<std::string>* ContextKeys::find(std::string_view lower_key) const {
  for (const auto& [name, values] : entries_) {
    if (name == lower_key) return &values;
  }
  return nullptr;
}

// Greedy with one point to come back to: linear in practice, never exponential.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kAny) {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == kOne || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kAny) ++p;
  return p == pattern.size();
}

Pattern Pattern::compile(std::string_view text, bool variables, bool wildcards, bool fold_case) {
  Pattern out;
  out.fold_case_ = fold_case;
  out.plain_ = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const std::size_t close =
        variables && text.substr(i).starts_with("${") ? text.find('}', i) : std::string_view::npos;
    if (close != std::string_view::npos) {
      const std::string_view inside = text.substr(i + 2, close - i - 2);
      i = close;
      if (inside == "*" || inside == "?" || inside == "$") {
        out.compiled_ += inside;
        continue;
      }
      auto [key, fallback] = split_variable(inside);
      out.variables_.push_back({out.compiled_.size(), std::move(key), std::move(fallback)});
      out.plain_ = false;
    } else if (wildcards && (c == '*' || c == '?')) {
      if (c == '?' || !out.compiled_.ends_with(kAny)) out.compiled_ += c == '*' ? kAny : kOne;
      out.plain_ = false;
    } else {
      out.compiled_ += fold_case && c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    }
  }
  return out;
}

bool Pattern::expand(const ContextKeys& context, std::string& out) const {
  std::size_t copied = 0;
  for (const Variable& variable : variables_) {
    out.append(compiled_, copied, variable.at - copied);
    copied = variable.at;
    const std::vector<std::string>* values = context.find(variable.key);
    // A key with several values cannot stand in a text.
    const std::string* value = values && values->size() == 1 ? &values->front() : nullptr;
    if (!value && variable.fallback) value = &*variable.fallback;
    if (!value || has_control(*value)) return false;
    out += fold_case_ ? lower_case(*value) : *value;
  }
  out.append(compiled_, copied);
  return true;
}

bool Pattern::matches(std::string_view text, const ContextKeys& context) const {
  if (plain_) return text == compiled_;
  if (variables_.empty()) return glob_matches(compiled_, text);
  std::string expanded;
  return expand(context, expanded) && glob_matches(expanded, text);
}

bool Pattern::matches_arn(std::string_view arn, const ContextKeys& context) const {
  if (matches_everything()) return true;
  if (plain_) return arn == compiled_;
  std::string expanded;
  if (!variables_.empty() && !expand(context, expanded)) return false;
  std::string_view pattern = variables_.empty() ? compiled_ : expanded;
  for (int part = 0; part < 5; ++part) {
    const std::size_t p = pattern.find(':');
    const std::size_t t = arn.find(':');
    // "arn:aws:ecs:*" stands for everything below.
    if (p == std::string_view::npos) return pattern.ends_with(kAny) && glob_matches(pattern, arn);
    if (t == std::string_view::npos) return false;
    if (!glob_matches(pattern.substr(0, p), arn.substr(0, t))) return false;
    pattern.remove_prefix(p + 1);
    arn.remove_prefix(t + 1);
  }
  return glob_matches(pattern, arn);
}

}  // namespace landfall::iam::policy
