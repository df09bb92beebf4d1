// The predefined security policies, in AWS's words and in OpenSSL's.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace landfall::elbv2 {

struct SecurityPolicy {
  std::string_view name;
  int minimum_version;  // 10, 11, 12, 13
  int maximum_version;
  std::span<const std::string_view> ciphers;  // in order of preference; TLS 1.3's first
};

inline constexpr std::string_view kDefaultPolicy = "ELBSecurityPolicy-2016-08";

std::span<const SecurityPolicy> security_policies();
const SecurityPolicy* find_policy(std::string_view name);

// "ECDHE-RSA-AES128-GCM-SHA256:..." up to TLS 1.2, and the suites of TLS 1.3.
std::string openssl_ciphers(const SecurityPolicy& policy);
std::string openssl_ciphersuites(const SecurityPolicy& policy);

}  // namespace landfall::elbv2
