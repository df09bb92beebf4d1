// The AWS managed policies that we know: arn:aws:iam::aws:policy/... Files in managed/, built in by
// tools/embed_policies.py.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace landfall::iam {

struct ManagedPolicy {
  std::string_view name;
  std::string_view path;  // "/", "/service-role/", "/aws-service-role/"
  std::string_view document;
  std::string arn() const;
  std::string id() const;  // "ANPA...", the same in every installation
};

std::span<const ManagedPolicy> managed_policies();
// Null: not one of them.
const ManagedPolicy* find_managed_policy(std::string_view arn);

}  // namespace landfall::iam
