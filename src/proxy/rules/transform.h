// Transforms of rules: the request's host and URL, rewritten before it goes to a target.
// docs: rule-transforms, load-balancer-access-logs
#pragma once

#include <optional>
#include <string>

#include "proxy/config.h"
#include "proxy/http1/head.h"
#include "proxy/rules/regex.h"

namespace landfall::proxy {

// A regular expression and what its first match is replaced with; $1 to $9 are its groups, $0 is
// the whole match.
class Rewrite {
 public:
  // Error "regex-invalid": also of expressions that are too large, and of groups that are not
  // there.
  static Result<Rewrite> compile(std::string_view regex, std::string_view replace,
                                 bool ignore_case);

  enum class Outcome : std::uint8_t { no_match, done, too_long };
  Outcome apply(std::string_view subject, std::size_t limit, std::string& out) const;

 private:
  struct Piece {
    std::string text;
    int group = -1;  // behind the text; -1: none
  };
  std::shared_ptr<const Regex> regex_;
  std::vector<Piece> pieces_;
};

struct CompiledTransforms {
  std::optional<Rewrite> host;  // of the Host without its port, whatever its case
  std::optional<Rewrite> url;   // of path and query

  // Error "regex-invalid".
  static Result<std::unique_ptr<const CompiledTransforms>> compile(
      const std::vector<Transform>& transforms);
};

struct Transformed {
  std::string host;         // empty: as it was
  std::string url;          // empty: as it was
  std::string_view status;  // as the access log names it; empty: nothing matched
  bool failed = false;      // the client gets 500
};
Transformed apply(const CompiledTransforms& transforms, const http1::RequestHead& head);

}  // namespace landfall::proxy
