// Conditions of rules, compiled once per snapshot.
#pragma once

#include <memory>
#include <vector>

#include "proxy/config.h"
#include "proxy/http1/head.h"
#include "proxy/rules/address.h"
#include "proxy/rules/pattern.h"

namespace landfall::proxy {

// What conditions look at.
struct RuleInput {
  const http1::RequestHead& head;
  std::string_view host;  // without port
  const PeerAddress& peer;
};

// A regular expression that cannot run away: its work is bounded, and what exceeds the bound does
// not match.
class Regex;

class CompiledCondition {
 public:
  // Error "condition-invalid" with the value at fault.
  static Result<CompiledCondition> compile(const Condition& condition);
  bool matches(const RuleInput& input) const;

 private:
  bool any(std::string_view text) const;
  bool matches_query(std::string_view query) const;

  struct QueryPattern {
    std::optional<Pattern> key;
    Pattern value;
  };
  ConditionField field_ = ConditionField::path_pattern;
  std::string header_;  // in lower case
  std::vector<Pattern> patterns_;
  std::vector<std::string> methods_;
  std::vector<QueryPattern> pairs_;
  std::vector<AddressBlock> blocks_;
  std::vector<std::shared_ptr<const Regex>> regexes_;
};

// "example.com:8080" -> "example.com", "[::1]:80" -> "[::1]".
std::string_view host_without_port(std::string_view authority);

}  // namespace landfall::proxy
