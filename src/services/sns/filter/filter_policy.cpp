#include "services/sns/filter/filter_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ipv4.h"

namespace landfall::sns {
namespace {

constexpr std::size_t kMostKeys = 5;
constexpr std::size_t kMostCombinations = 150;
constexpr int kMostNested = 16;

std::unexpected<Error> wrong(std::string message) { return fail("filter", std::move(message)); }

std::string_view text(const json::value& value) {
  return {value.get_string().data(), value.get_string().size()};
}

std::string lower(std::string_view from) {
  std::string out(from);
  for (char& c : out) c = char(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// ---- checking ----

bool comparison(std::string_view word) {
  return word == "=" || word == "<" || word == "<=" || word == ">" || word == ">=";
}

Result<void> check_numeric(const json::value& value) {
  const auto* parts = value.if_array();
  if (!parts || parts->empty() || parts->size() % 2 != 0 || parts->size() > 4)
    return wrong("Value of numeric must be an array of comparisons and numbers");
  for (std::size_t i = 0; i < parts->size(); i += 2) {
    if (!(*parts)[i].is_string() || !comparison(text((*parts)[i])))
      return wrong("Unrecognized numeric comparison");
    if (!(*parts)[i + 1].is_number()) return wrong("Value of a numeric comparison must be numeric");
  }
  return {};
}

Result<void> check_condition(const json::value& condition);

Result<void> check_match(std::string_view name, const json::value& value) {
  if (name == "prefix" || name == "suffix" || name == "equals-ignore-case" || name == "wildcard") {
    if (value.is_string()) return {};
    return wrong(fmt::format("Value of {} must be a string", name));
  }
  if (name == "cidr") {
    if (value.is_string() && Cidr::parse(text(value))) return {};
    return wrong("Malformed CIDR");
  }
  if (name == "exists") {
    if (value.is_bool()) return {};
    return wrong("exists match pattern must be either true or false.");
  }
  if (name == "numeric") return check_numeric(value);
  if (name == "anything-but") {
    if (value.is_string() || value.is_number()) return {};
    if (const auto* items = value.if_array(); items && !items->empty()) {
      for (const json::value& item : *items) {
        if (!item.is_string() && !item.is_number())
          return wrong("anything-but takes strings and numbers");
      }
      return {};
    }
    if (value.is_object()) return check_condition(value);
    return wrong("anything-but takes strings, numbers, prefix or suffix");
  }
  return wrong(fmt::format("Unrecognized match type {}", name));
}

Result<void> check_condition(const json::value& condition) {
  if (condition.is_string() || condition.is_number() || condition.is_bool() || condition.is_null())
    return {};
  const auto* object = condition.if_object();
  if (!object || object->size() != 1)
    return wrong("Match value must be String, number, true, false, or null");
  return check_match(object->begin()->key(), object->begin()->value());
}

Result<void> check_policy(const json::object& policy, bool body, int depth, std::size_t& keys,
                          std::size_t& combinations) {
  if (depth > kMostNested) return wrong("the policy is nested too deeply");
  for (const auto& [key, value] : policy) {
    if (key == "$or") {
      const auto* ways = value.if_array();
      if (!ways || ways->size() < 2) return wrong("$or takes an array of two or more objects");
      for (const json::value& way : *ways) {
        if (!way.is_object()) return wrong("$or takes objects");
        LF_OK(check_policy(way.get_object(), body, depth + 1, keys, combinations));
      }
      continue;
    }
    if (const auto* nested = value.if_object()) {
      if (!body)
        return wrong(fmt::format("\"{}\" must be an object or an array", std::string_view(key)));
      LF_OK(check_policy(*nested, body, depth + 1, keys, combinations));
      continue;
    }
    const auto* conditions = value.if_array();
    if (!conditions)
      return wrong(fmt::format("\"{}\" must be an object or an array", std::string_view(key)));
    if (conditions->empty()) return wrong("Empty arrays are not allowed");
    for (const json::value& condition : *conditions) LF_OK(check_condition(condition));
    ++keys;
    combinations = std::min(kMostCombinations + 1, combinations * conditions->size());
  }
  return {};
}

// ---- matching ----

bool same(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number()) {
    boost::system::error_code ignored;
    return a.to_number<double>(ignored) == b.to_number<double>(ignored);
  }
  return a == b;
}

bool compare(double value, std::string_view how, double with) {
  if (how == "=") return value == with;
  if (how == "<") return value < with;
  if (how == "<=") return value <= with;
  if (how == ">") return value > with;
  return value >= with;
}

bool wildcard(std::string_view pattern, std::string_view value) {
  std::size_t p = 0, v = 0, star = pattern.npos, back = 0;
  while (v < value.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      back = v;
    } else if (p < pattern.size() && pattern[p] == value[v]) {
      ++p, ++v;
    } else if (star != pattern.npos) {
      p = star + 1;
      v = ++back;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// Of a value that is there.
bool matches(const json::value& condition, const json::value& value) {
  const auto* object = condition.if_object();
  if (!object) return same(condition, value);
  const std::string_view name = object->begin()->key();
  const json::value& with = object->begin()->value();
  if (name == "exists") return with.get_bool();
  if (name == "anything-but") {
    if (const auto* items = with.if_array())
      return std::ranges::none_of(*items, [&](const auto& item) { return same(item, value); });
    return !matches(with, value);
  }
  if (name == "numeric") {
    if (!value.is_number()) return false;
    boost::system::error_code ignored;
    const double number = value.to_number<double>(ignored);
    const json::array& parts = with.get_array();
    for (std::size_t i = 0; i < parts.size(); i += 2) {
      if (!compare(number, text(parts[i]), parts[i + 1].to_number<double>(ignored))) return false;
    }
    return true;
  }
  if (!value.is_string()) return false;
  const std::string_view held = text(value);
  if (name == "prefix") return held.starts_with(text(with));
  if (name == "suffix") return held.ends_with(text(with));
  if (name == "equals-ignore-case") return lower(held) == lower(text(with));
  if (name == "wildcard") return wildcard(text(with), held);
  const auto range = Cidr::parse(text(with));
  const auto address = Ipv4::parse(held);
  return range && address && range->contains(*address);
}

bool any_condition(const json::array& conditions, const json::value* value) {
  for (const json::value& condition : conditions) {
    const auto* object = condition.if_object();
    const bool absent_wanted =
        object && object->begin()->key() == "exists" && !object->begin()->value().get_bool();
    if (absent_wanted) {
      if (!value) return true;
      continue;
    }
    if (!value) continue;
    if (const auto* items = value->if_array()) {
      if (std::ranges::any_of(*items, [&](const auto& item) { return matches(condition, item); }))
        return true;
    } else if (matches(condition, *value)) {
      return true;
    }
  }
  return false;
}

bool wants_object(const json::object& policy, const json::value* event);

bool wants_key(std::string_view key, const json::value& wanted, const json::object* event) {
  if (key == "$or") {
    return std::ranges::any_of(wanted.get_array(), [&](const json::value& way) {
      const json::value held = event ? json::value(*event) : json::value();
      return wants_object(way.get_object(), event ? &held : nullptr);
    });
  }
  const json::value* found =
      event ? event->if_contains(json::string_view(key.data(), key.size())) : nullptr;
  if (const auto* conditions = wanted.if_array()) return any_condition(*conditions, found);
  // A nested policy, over an object or any object of an array.
  if (const auto* items = found ? found->if_array() : nullptr) {
    return std::ranges::any_of(
        *items, [&](const json::value& item) { return wants_object(wanted.get_object(), &item); });
  }
  return wants_object(wanted.get_object(), found);
}

bool wants_object(const json::object& policy, const json::value* event) {
  const json::object* object = event ? event->if_object() : nullptr;
  return std::ranges::all_of(policy, [&](const auto& entry) {
    return wants_key(std::string_view(entry.key()), entry.value(), object);
  });
}

}  // namespace

Result<FilterPolicy> FilterPolicy::parse(const std::string& source, bool body) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 32;
  json::value parsed = json::parse(source, error, {}, options);
  if (error || !parsed.is_object()) return wrong("failed to parse JSON");
  std::size_t keys = 0;
  std::size_t combinations = 1;
  LF_OK(check_policy(parsed.get_object(), body, 0, keys, combinations));
  if (keys > kMostKeys) return wrong("Filter policy can not have more than 5 keys");
  if (combinations > kMostCombinations) return wrong("Filter policy is too complex");
  FilterPolicy out;
  out.policy_ = std::move(parsed.get_object());
  return out;
}

bool FilterPolicy::wants(const json::value& event) const { return wants_object(policy_, &event); }

json::object event_of(const std::map<std::string, AttributeRecord>& attributes) {
  json::object out;
  for (const auto& [name, attribute] : attributes) {
    boost::system::error_code error;
    if (attribute.type.starts_with("Number") || attribute.type == "String.Array") {
      json::value parsed = json::parse(attribute.value, error);
      if (!error) out[name] = std::move(parsed);
    } else if (attribute.type.starts_with("String")) {
      out[name] = attribute.value;
    }
  }
  return out;
}

}  // namespace landfall::sns
