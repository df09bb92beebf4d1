#include "services/iam/policy/condition.h"

#include <arpa/inet.h>

#include "base/bytes.h"

namespace landfall::iam::policy {
namespace {

std::unexpected<Error> malformed(std::string message) {
  return fail("MalformedPolicyDocument", std::move(message));
}

// Condition values may be strings, numbers or booleans in the JSON.
std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64() || value.is_uint64() || value.is_double()) return json::serialize(value);
  return {};
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return {};
  return number;
}

// ISO 8601, or seconds since 1970.
std::optional<TimePoint> parse_date(std::string_view text) {
  if (auto parsed = parse_time(text)) return *parsed;
  if (auto number = parse_number(text); number && std::abs(*number) < 1e15) {
    return from_unix_ms(std::int64_t(*number * 1000));
  }
  if (text.size() == 10) {  // a day
    if (auto parsed = parse_time(std::string(text) + "T00:00:00Z")) return *parsed;
  }
  return {};
}

std::optional<bool> parse_bool(std::string_view text) {
  const std::string lower = lower_case(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return {};
}

template <class T>
bool compare(const T& left, const T& right, int order) {
  switch (order) {
    case 0:
      return left == right;
    case 1:
      return left < right;
    case 2:
      return left <= right;
    case 3:
      return left > right;
    default:
      return left >= right;
  }
}

}  // namespace

struct Condition::OperatorForm {
  std::string_view name;
  Test test;
  Order order = Order::equal;
  bool negated = false;
  bool fold_case = false;
};

const Condition::OperatorForm* Condition::find_operator(std::string_view name) {
  static constexpr OperatorForm kForms[] = {
      {"stringequals", Test::string},
      {"stringnotequals", Test::string, Order::equal, true},
      {"stringequalsignorecase", Test::string, Order::equal, false, true},
      {"stringnotequalsignorecase", Test::string, Order::equal, true, true},
      {"stringlike", Test::string_like},
      {"stringnotlike", Test::string_like, Order::equal, true},
      {"arnequals", Test::arn},
      {"arnlike", Test::arn},
      {"arnnotequals", Test::arn, Order::equal, true},
      {"arnnotlike", Test::arn, Order::equal, true},
      {"numericequals", Test::numeric},
      {"numericnotequals", Test::numeric, Order::equal, true},
      {"numericlessthan", Test::numeric, Order::less},
      {"numericlessthanequals", Test::numeric, Order::less_equal},
      {"numericgreaterthan", Test::numeric, Order::greater},
      {"numericgreaterthanequals", Test::numeric, Order::greater_equal},
      {"dateequals", Test::date},
      {"datenotequals", Test::date, Order::equal, true},
      {"datelessthan", Test::date, Order::less},
      {"datelessthanequals", Test::date, Order::less_equal},
      {"dategreaterthan", Test::date, Order::greater},
      {"dategreaterthanequals", Test::date, Order::greater_equal},
      {"bool", Test::boolean},
      {"binaryequals", Test::binary},
      {"ipaddress", Test::ip},
      {"notipaddress", Test::ip, Order::equal, true},
      {"null", Test::null},
  };
  for (const OperatorForm& form : kForms) {
    if (form.name == name) return &form;
  }
  return nullptr;
}

std::optional<Condition::Network> Condition::parse_network(std::string_view text) {
  Network out;
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  int offset = 0;
  in_addr four{};
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) {
    out.address[10] = out.address[11] = 0xff;
    std::memcpy(&out.address[12], &four, 4);
    offset = 96;
  } else if (inet_pton(AF_INET6, address.c_str(), out.address.data()) != 1) {
    return {};
  }
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    int prefix = 0;
    const auto parsed = std::from_chars(bits.data(), bits.data() + bits.size(), prefix);
    if (parsed.ec != std::errc() || parsed.ptr != bits.data() + bits.size() || prefix < 0 ||
        prefix > 128 - offset) {
      return {};
    }
    out.prefix = offset + prefix;
  }
  return out;
}

Result<Condition::Operand> Condition::operand(std::string_view text, bool variables) const {
  const auto bad = [&] {
    return malformed(
        fmt::format("Invalid value '{}' in condition on {}.", text.substr(0, 128), key_));
  };
  switch (test_) {
    case Test::string:
      return Pattern::compile(text, variables, false, fold_case_);
    case Test::string_like:
    case Test::arn:
      return Pattern::compile(text, variables);
    case Test::numeric:
      if (auto number = parse_number(text)) return *number;
      return bad();
    case Test::date:
      if (auto date = parse_date(text)) return *date;
      return bad();
    case Test::boolean:
      // A variable may stand here: compare as text then.
      if (variables && text.starts_with("${")) return Pattern::compile(text, true, false, true);
      if (auto flag = parse_bool(text)) return *flag;
      return bad();
    case Test::null:
      if (auto flag = parse_bool(text)) return *flag;
      return bad();
    case Test::binary:
      if (auto bytes = base64_decode(text)) return *bytes;
      return bad();
    case Test::ip:
      if (auto network = parse_network(text)) return *network;
      return bad();
  }
  return bad();
}

Result<std::vector<Condition>> Condition::compile(std::string_view operator_name,
                                                  const json::value& block, bool variables) {
  Condition form;
  std::string name = lower_case(operator_name);
  constexpr std::string_view kAny = "foranyvalue:";
  constexpr std::string_view kAll = "forallvalues:";
  if (name.starts_with(kAny)) {
    form.set_ = Set::for_any;
    name.erase(0, kAny.size());
  } else if (name.starts_with(kAll)) {
    form.set_ = Set::for_all;
    name.erase(0, kAll.size());
  }
  if (name.ends_with("ifexists") && name != "nullifexists") {
    form.if_exists_ = true;
    name.resize(name.size() - std::string_view("ifexists").size());
  }
  const OperatorForm* found = find_operator(name);
  if (!found)
    return malformed(fmt::format("Invalid Condition type : {}", operator_name.substr(0, 64)));
  form.test_ = found->test;
  form.order_ = found->order;
  form.negated_ = found->negated;
  form.fold_case_ = found->fold_case;
  if (!block.is_object()) return malformed("Syntax errors in policy.");
  std::vector<Condition> out;
  for (const auto& [key, values] : block.get_object()) {
    Condition condition = form;
    condition.key_ = lower_case(std::string_view(key.data(), key.size()));
    if (condition.key_.find(':') == std::string::npos) {
      return malformed("Actions/Condition can contain only one colon.");
    }
    const auto add = [&](const json::value& value) -> Result<void> {
      const auto text = scalar_text(value);
      if (!text) return malformed("Syntax errors in policy.");
      LF_TRY(compiled, condition.operand(*text, variables));
      condition.operands_.push_back(std::move(compiled));
      return {};
    };
    if (values.is_array()) {
      for (const json::value& value : values.get_array()) LF_OK(add(value));
    } else {
      LF_OK(add(values));
    }
    out.push_back(std::move(condition));
  }
  return out;
}

bool Condition::value_matches(const std::string& value, const Operand& operand,
                              const ContextKeys& context) const {
  switch (test_) {
    case Test::string:
      return std::get<Pattern>(operand).matches(fold_case_ ? lower_case(value) : value, context);
    case Test::string_like:
      return std::get<Pattern>(operand).matches(value, context);
    case Test::arn:
      return std::get<Pattern>(operand).matches_arn(value, context);
    case Test::numeric: {
      const auto number = parse_number(value);
      return number && compare(*number, std::get<double>(operand), int(order_));
    }
    case Test::date: {
      const auto date = parse_date(value);
      return date && compare(*date, std::get<TimePoint>(operand), int(order_));
    }
    case Test::boolean: {
      if (const auto* pattern = std::get_if<Pattern>(&operand)) {
        return pattern->matches(lower_case(value), context);
      }
      const auto flag = parse_bool(value);
      return flag && *flag == std::get<bool>(operand);
    }
    case Test::binary: {
      const auto bytes = base64_decode(value);
      return bytes && *bytes == std::get<std::string>(operand);
    }
    case Test::ip: {
      const auto network = parse_network(value);
      if (!network) return false;
      const auto& allowed = std::get<Network>(operand);
      const int whole = allowed.prefix / 8;
      const int rest = allowed.prefix % 8;
      if (std::memcmp(network->address.data(), allowed.address.data(), std::size_t(whole)) != 0) {
        return false;
      }
      if (rest == 0) return true;
      const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
      return (network->address[std::size_t(whole)] & mask) ==
             (allowed.address[std::size_t(whole)] & mask);
    }
    case Test::null:
      return false;
  }
  return false;
}

bool Condition::matches_any(const std::string& value, const ContextKeys& context) const {
  return std::ranges::any_of(operands_,
                             [&](const Operand& o) { return value_matches(value, o, context); });
}

void Condition::add_keys(std::set<std::string>& keys) const {
  keys.insert(key_);
  for (const Operand& operand : operands_) {
    if (const auto* pattern = std::get_if<Pattern>(&operand)) pattern->add_keys(keys);
  }
}

bool Condition::holds(const ContextKeys& context) const {
  const std::vector<std::string>* values = context.find(key_);
  const bool missing = !values || values->empty();
  if (test_ == Test::null) {
    return std::ranges::any_of(operands_,
                               [&](const Operand& o) { return std::get<bool>(o) == missing; });
  }
  if (missing) {
    if (if_exists_ || set_ == Set::for_all) return true;
    return set_ == Set::none && negated_;
  }
  switch (set_) {
    case Set::for_any:
      return std::ranges::any_of(*values, [&](const std::string& value) {
        return matches_any(value, context) != negated_;
      });
    case Set::for_all:
      return std::ranges::all_of(*values, [&](const std::string& value) {
        return matches_any(value, context) != negated_;
      });
    case Set::none:
      break;
  }
  const bool any = std::ranges::any_of(
      *values, [&](const std::string& value) { return matches_any(value, context); });
  return any != negated_;
}

}  // namespace landfall::iam::policy
