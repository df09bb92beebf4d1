// The files that trust stores are made of: bundles of authorities' certificates, and what they have
// revoked.
// docs: mutual-authentication, "CA certificate files"; load-balancer-limits
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::elbv2 {

inline constexpr std::size_t kMostAuthorities = 25;
inline constexpr std::size_t kMostRevocationFiles = 30;
inline constexpr std::int64_t kMostRevokedEntries = 500'000;
// All files of a trust store travel with every change of the load balancers.
inline constexpr std::size_t kLargestFile = 1 << 20;

// How many certificates there are. Error: InvalidCaCertificatesBundle.
Result<int> check_authorities(std::string_view pem);
// How many certificates are revoked. Error: InvalidRevocationContent.
Result<std::int64_t> check_revocations(std::string_view pem);

}  // namespace landfall::elbv2
