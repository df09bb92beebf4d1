// The Condition block of a policy statement.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
#pragma once

#include "base/clock.h"
#include "base/record.h"
#include "base/result.h"
#include "services/iam/policy/pattern.h"

namespace landfall::iam::policy {

class Condition {
 public:
  // One operator block: {"StringEquals": {"aws:username": ["a", "b"]}} gives one Condition a key.
  // Errors: MalformedPolicyDocument.
  static Result<std::vector<Condition>> compile(std::string_view operator_name,
                                                const json::value& block, bool variables);

  bool holds(const ContextKeys& context) const;
  // The context keys it asks for, in lower case.
  void add_keys(std::set<std::string>& keys) const;

 private:
  enum class Test { string, string_like, arn, numeric, date, boolean, binary, ip, null };
  enum class Order { equal, less, less_equal, greater, greater_equal };
  enum class Set { none, for_any, for_all };
  struct Network {
    std::array<unsigned char, 16> address{};  // IPv4 as ::ffff:a.b.c.d
    int prefix = 128;
  };
  using Operand = std::variant<Pattern, double, TimePoint, bool, std::string, Network>;
  struct OperatorForm;

  static const OperatorForm* find_operator(std::string_view name);
  static std::optional<Network> parse_network(std::string_view text);
  Result<Operand> operand(std::string_view text, bool variables) const;
  bool value_matches(const std::string& value, const Operand& operand,
                     const ContextKeys& context) const;
  bool matches_any(const std::string& value, const ContextKeys& context) const;

  Test test_ = Test::string;
  Order order_ = Order::equal;
  Set set_ = Set::none;
  bool negated_ = false;
  bool fold_case_ = false;
  bool if_exists_ = false;
  std::string key_;  // lower case
  std::vector<Operand> operands_;
};

}  // namespace landfall::iam::policy
