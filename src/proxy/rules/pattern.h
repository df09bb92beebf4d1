// AWS's patterns: '*' stands for any number of characters, '?' for exactly one.
#pragma once

#include <string>
#include <string_view>

namespace landfall::proxy {

class Pattern {
 public:
  Pattern(std::string_view text, bool ignore_case);
  bool matches(std::string_view text) const;

 private:
  std::string text_;  // in lower case when the case is ignored
  bool ignore_case_;
  bool plain_;  // no '*' and no '?'
};

}  // namespace landfall::proxy
