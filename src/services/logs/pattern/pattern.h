// Filter patterns: which log events a search or a metric filter means.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
//
//   ERROR "two words" -DEBUG     all of these, none of those (case counts; parts of words match)
//   ?ERROR ?WARN                 any of these
//   { $.status = 5* && ($.user.id > 7 || $.tags[0] IS NULL) }    fields of a JSON event
//   [ip, user, ..., status = 4*, bytes > 1000]                   columns of a line
//
// Wherever a term or a value stands, %...% may stand: a regular expression.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::logs {

// What a pattern's fields are in an event: "$.status" -> "502"; "$ip" -> "1.2.3.4".
using Extracted = std::map<std::string, std::string>;

class Pattern {
 public:
  virtual ~Pattern() = default;
  // Error "invalid-pattern" with a message for people. An empty pattern matches everything.
  static Result<std::shared_ptr<const Pattern>> parse(std::string_view text);

  // Throws Regex::TooComplex, as match().
  bool matches(std::string_view message) const { return match(message, nullptr); }
  virtual bool match(std::string_view message, Extracted* extracted) const = 0;
  // A text that is in every message that matches; empty: none is known.
  virtual std::string_view required() const { return {}; }
};

// One field of a JSON event: "$.user.id".
class Selector {
 public:
  virtual ~Selector() = default;
  // Error "invalid-pattern".
  static Result<std::shared_ptr<const Selector>> parse(std::string_view text);
  // The text of the first value; nothing when there is none, and for null.
  virtual std::optional<std::string> find(std::string_view message) const = 0;
};

// `text` with '*' for any run of characters.
bool matches_wildcard(std::string_view pattern, std::string_view text);

Result<std::shared_ptr<const Pattern>> parse_terms(std::string_view text);
Result<std::shared_ptr<const Pattern>> parse_json_pattern(std::string_view text);
Result<std::shared_ptr<const Pattern>> parse_columns(std::string_view text);

}  // namespace landfall::logs
