// Which codes count as healthy: "200", "200,202", "200-299".
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace landfall::proxy {

class CodeMatcher {
 public:
  // Error "matcher-invalid".
  static Result<CodeMatcher> parse(std::string_view text);
  bool matches(int code) const;

 private:
  std::vector<std::pair<int, int>> ranges_;
};

}  // namespace landfall::proxy
