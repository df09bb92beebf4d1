#include "services/ssm/policies.h"

#include "wire/ssm/errors.h"

namespace landfall::ssm {
namespace {

constexpr std::size_t kMostPolicies = 10;

const json::value* member(const json::object& in, std::string_view name) {
  const auto found = in.find(name);
  return found == in.end() ? nullptr : &found->value();
}

std::string text_of(const json::value* value) {
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

Result<PolicyRecord> read_policy(const json::object& policy, TimePoint now) {
  const std::string type = text_of(member(policy, "Type"));
  if (type == "ExpirationNotification" || type == "NoChangeNotification") {
    return errors::invalid_policy_type(
        fmt::format("Policies of type {} send events to EventBridge, which is not served here: "
                    "nobody would hear of it. Expiration is served.",
                    type));
  }
  if (type != "Expiration") {
    return errors::invalid_policy_type(
        fmt::format("The policy type {} is not supported: Expiration is.", type));
  }
  if (text_of(member(policy, "Version")) != "1.0") {
    return errors::invalid_policy_attribute("The Version of a policy is 1.0.");
  }
  const json::value* attributes = member(policy, "Attributes");
  const auto at = parse_time(attributes && attributes->is_object()
                                 ? text_of(member(attributes->as_object(), "Timestamp"))
                                 : std::string());
  if (!at) {
    return errors::invalid_policy_attribute(
        "Expiration needs Attributes with a Timestamp such as 2030-12-02T21:34:33.000Z.");
  }
  if (*at <= now) {
    return errors::invalid_policy_attribute("The Timestamp of Expiration is in the past.");
  }
  return PolicyRecord{type, json::serialize(policy), *at};
}

}  // namespace

Result<std::vector<PolicyRecord>> read_policies(const std::string& text, TimePoint now) {
  std::vector<PolicyRecord> out;
  if (text.empty()) return out;
  boost::system::error_code bad;
  json::value given = json::parse(text, bad);
  if (bad) return errors::invalid_policy_attribute("The policies are not JSON.");
  if (given.is_object()) given = json::array{given};
  if (!given.is_array()) {
    return errors::invalid_policy_attribute("The policies are a list of JSON objects.");
  }
  if (given.as_array().size() > kMostPolicies) {
    return errors::policies_limit_exceeded("A parameter has at most 10 policies.");
  }
  for (const json::value& one : given.as_array()) {
    if (!one.is_object()) {
      return errors::invalid_policy_attribute("The policies are a list of JSON objects.");
    }
    if (one.as_object().empty()) continue;
    LF_TRY(policy, read_policy(one.as_object(), now));
    if (!out.empty()) {
      return errors::incompatible_policy("A parameter has one policy of type Expiration.");
    }
    out.push_back(std::move(policy));
  }
  return out;
}

}  // namespace landfall::ssm
