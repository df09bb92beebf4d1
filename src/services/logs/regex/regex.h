// Regular expressions over log lines, in Perl's syntax, as Insights and filter patterns know them.
//
// The search itself backtracks, but never without end: an expression that needs too many steps on
// one line throws TooComplex, which whoever runs the search reports as its failure. Lines are
// searched byte by byte: '.' takes one byte, and classes know ASCII.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace landfall::logs {

class Regex {
 public:
  struct TooComplex : std::exception {
    const char* what() const noexcept override {
      return "the regular expression needs too many steps";
    }
  };

  // Error "invalid-regex" with a message for people. (?<name>...) and (?P<name>...) name a group.
  static Result<std::shared_ptr<const Regex>> compile(std::string_view text);
  virtual ~Regex() = default;

  virtual bool found_in(std::string_view text) const = 0;
  // What the first match holds; `groups[0]` is the first group, not the match. A group that took no
  // part has a null data().
  virtual bool match(std::string_view text, std::vector<std::string_view>& groups) const = 0;
  // A text that is in every line that matches; empty: none is known.
  const std::string& required() const { return required_; }
  // Of the groups, in order; empty for one without a name.
  const std::vector<std::string>& group_names() const { return group_names_; }

 protected:
  std::string required_;
  std::vector<std::string> group_names_;
};

}  // namespace landfall::logs
