// Accounts, regions and ARNs: the names every AWS resource has.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall {

// Where a resource lives. State is kept per account and region; global services use region "".
struct Scope {
  std::string account;  // 12 digits
  std::string region;   // "us-west-1"
  auto operator<=>(const Scope&) const = default;
};

// arn:partition:service:region:account:resource
struct Arn {
  std::string partition = "aws";
  std::string service;
  std::string region;
  std::string account;
  std::string resource;  // "task/cluster/0123", "role/name"; may contain ':' and '/'

  static Result<Arn> parse(std::string_view text);
  static bool looks_like(std::string_view text) { return text.starts_with("arn:"); }
  std::string str() const;
  auto operator<=>(const Arn&) const = default;
};

}  // namespace landfall
