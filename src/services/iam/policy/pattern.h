// Patterns of IAM policies: `*` any run of characters, `?` any one, `${key}` the value of a context
// key. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace landfall::iam::policy {

// The context of one request: what conditions and variables may ask for. Names in lower case: IAM's
// keys ignore case.
class ContextKeys {
 public:
  void set(std::string_view key, std::string value);
  void set(std::string_view key, std::vector<std::string> values);
  const std::vector<std::string>* find(std::string_view lower_key) const;

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> entries_;
};

std::string lower_case(std::string_view text);

class Pattern {
 public:
  // variables: whether `${...}` is one (policies of version 2012-10-17). wildcards: whether `*` and
  // `?` are. fold_case: the pattern is lowered; the text to match must be, too.
  static Pattern compile(std::string_view text, bool variables, bool wildcards = true,
                         bool fold_case = false);

  // False also when a variable has no value: such a pattern matches nothing.
  bool matches(std::string_view text, const ContextKeys& context) const;
  // As above, each of the six parts of an ARN by itself.
  bool matches_arn(std::string_view arn, const ContextKeys& context) const;
  // The context keys that its variables name, in lower case.
  void add_keys(std::set<std::string>& keys) const {
    for (const Variable& variable : variables_) keys.insert(variable.key);
  }
  bool matches_everything() const { return compiled_ == "\x01"; }

 private:
  struct Variable {
    std::size_t at;  // in compiled_
    std::string key;
    std::optional<std::string> fallback;
  };
  bool expand(const ContextKeys& context, std::string& out) const;

  std::string compiled_;  // literal bytes; \x01 is `*`, \x02 is `?`
  std::vector<Variable> variables_;
  bool plain_ = false;  // neither wildcards nor variables
  bool fold_case_ = false;
};

// A compiled pattern (bytes \x01 and \x02 as above) against a text.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace landfall::iam::policy
