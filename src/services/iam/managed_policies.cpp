#include "services/iam/managed_policies.h"

#include "base/bytes.h"

namespace landfall::iam {

std::string ManagedPolicy::arn() const {
  return fmt::format("arn:aws:iam::aws:policy{}{}", path, name);
}

std::string ManagedPolicy::id() const {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out = "ANPA";
  for (const char c : sha256(name).substr(0, 17)) {
    out += kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  }
  return out;
}

const ManagedPolicy* find_managed_policy(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:iam::aws:policy";
  if (!arn.starts_with(kPrefix)) return nullptr;
  arn.remove_prefix(kPrefix.size());
  for (const ManagedPolicy& policy : managed_policies()) {
    if (arn.starts_with(policy.path) && arn.substr(policy.path.size()) == policy.name) {
      return &policy;
    }
  }
  return nullptr;
}

}  // namespace landfall::iam
