#include "proxy/rules/condition.h"

#include "base/bytes.h"
#include "proxy/http1/scan.h"
#include "proxy/rules/regex.h"

namespace landfall::proxy {
namespace {

std::unexpected<Error> invalid(std::string_view what) {
  return fail("condition-invalid", fmt::format("the condition value '{}' cannot be used", what));
}

}  // namespace

std::string_view host_without_port(std::string_view authority) {
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    return close == std::string_view::npos ? authority : authority.substr(0, close + 1);
  }
  return authority.substr(0, authority.find(':'));
}

Result<CompiledCondition> CompiledCondition::compile(const Condition& condition) {
  CompiledCondition out;
  out.field_ = condition.field;
  const bool ignore_case = condition.field != ConditionField::path_pattern;
  switch (condition.field) {
    case ConditionField::http_header:
      for (const char c : condition.name) out.header_ += http1::lower(c);
      if (out.header_.empty()) return invalid(condition.name);
      [[fallthrough]];
    case ConditionField::host_header:
    case ConditionField::path_pattern:
      for (const auto& value : condition.values) out.patterns_.emplace_back(value, ignore_case);
      for (const auto& text : condition.regexes) {
        LF_TRY(regex, Regex::compile(text, ignore_case));
        out.regexes_.push_back(regex);
      }
      break;
    case ConditionField::http_request_method:
      out.methods_ = condition.values;
      break;
    case ConditionField::query_string:
      for (const auto& pair : condition.pairs) {
        QueryPattern compiled{{}, Pattern(pair.value, true)};
        if (!pair.key.empty()) compiled.key.emplace(pair.key, true);
        out.pairs_.push_back(std::move(compiled));
      }
      break;
    case ConditionField::source_ip:
      for (const auto& value : condition.values) {
        const auto block = AddressBlock::parse(value);
        if (!block) return invalid(value);
        out.blocks_.push_back(*block);
      }
      break;
    default:
      return invalid(std::to_string(static_cast<int>(condition.field)));
  }
  return out;
}

bool CompiledCondition::any(std::string_view text) const {
  for (const Pattern& pattern : patterns_) {
    if (pattern.matches(text)) return true;
  }
  for (const auto& regex : regexes_) {
    if (regex->matches(text)) return true;
  }
  return false;
}

// Keys and values are compared as they are written, then percent-decoded.
bool CompiledCondition::matches_query(std::string_view query) const {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    const std::string_view key = pair.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    const auto hit = [&](std::string_view k, std::string_view v) {
      for (const QueryPattern& wanted : pairs_) {
        if ((!wanted.key || wanted.key->matches(k)) && wanted.value.matches(v)) return true;
      }
      return false;
    };
    if (hit(key, value)) return true;
    if (pair.find_first_of("%+") != std::string_view::npos) {
      const auto plain_key = percent_decode(key, true);
      const auto plain_value = percent_decode(value, true);
      if (plain_key && plain_value && hit(*plain_key, *plain_value)) return true;
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

bool CompiledCondition::matches(const RuleInput& input) const {
  switch (field_) {
    case ConditionField::host_header:
      return any(input.host);
    case ConditionField::path_pattern:
      return any(input.head.path.empty() ? std::string_view("/") : input.head.path);
    case ConditionField::http_header:
      for (const http1::Field& field : input.head.fields) {
        if (!field.dropped && http1::equals_lower(field.name, header_) && any(field.value))
          return true;
      }
      return false;
    case ConditionField::http_request_method:
      for (const std::string& method : methods_) {
        if (method == input.head.method) return true;
      }
      return false;
    case ConditionField::query_string:
      return matches_query(input.head.query);
    case ConditionField::source_ip:
      for (const AddressBlock& block : blocks_) {
        if (block.contains(input.peer)) return true;
      }
      return false;
  }
  return false;
}

}  // namespace landfall::proxy
