// The key with which load balancers sign what targets are told of users (x-amzn-oidc-data).
#pragma once

#include <filesystem>

#include "base/result.h"

namespace landfall::elbv2 {

struct IdentityKey {
  std::string id;           // `kid`, and the path under which the public part is served
  std::string private_pem;  // for the proxy
  std::string public_pem;
};

// Reads the file (mode 0600), or makes it: tokens that were signed stay good after a restart.
// Errors: "key-unreadable", errno-*.
Result<IdentityKey> open_identity_key(const std::filesystem::path& file);

}  // namespace landfall::elbv2
