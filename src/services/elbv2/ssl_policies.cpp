#include "services/elbv2/ssl_policies.h"

#include <algorithm>

namespace landfall::elbv2 {
namespace {

#define LF_TLS13 "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"
#define LF_GCM_128 "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"
#define LF_GCM_256 "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"
#define LF_CBC_128 "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256"
#define LF_CBC_256 "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384"
#define LF_SHA1_128 "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"
#define LF_SHA1_256 "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA"
#define LF_RSA_SHA2 "AES128-GCM-SHA256", "AES128-SHA256"
#define LF_RSA_256 "AES256-GCM-SHA384", "AES256-SHA256"

using Names = std::string_view;
constexpr Names k13Only[] = {LF_TLS13};
constexpr Names k13Res[] = {LF_TLS13, LF_GCM_128, LF_GCM_256};
constexpr Names k13Tls12[] = {LF_TLS13, LF_GCM_128, LF_CBC_128, LF_GCM_256, LF_CBC_256};
constexpr Names k13Ext1[] = {LF_TLS13,   LF_GCM_128,  LF_CBC_128, LF_GCM_256,
                             LF_CBC_256, LF_RSA_SHA2, LF_RSA_256};
constexpr Names k13Ext2[] = {LF_TLS13,     LF_GCM_128, LF_CBC_128,  LF_SHA1_128,
                             LF_GCM_256,   LF_CBC_256, LF_SHA1_256, LF_RSA_SHA2,
                             "AES128-SHA", LF_RSA_256, "AES256-SHA"};
constexpr Names k2016[] = {LF_GCM_128,  LF_CBC_128,  LF_SHA1_128,  LF_GCM_256, LF_CBC_256,
                           LF_SHA1_256, LF_RSA_SHA2, "AES128-SHA", LF_RSA_256, "AES256-SHA"};
constexpr Names kTls12[] = {LF_GCM_128, LF_CBC_128,  LF_GCM_256,
                            LF_CBC_256, LF_RSA_SHA2, LF_RSA_256};
constexpr Names kFs[] = {LF_GCM_128, LF_CBC_128, LF_SHA1_128, LF_GCM_256, LF_CBC_256, LF_SHA1_256};
constexpr Names kFs12[] = {LF_GCM_128, LF_CBC_128, LF_GCM_256, LF_CBC_256};
constexpr Names kFs12Gcm[] = {LF_GCM_128, LF_GCM_256};

#undef LF_TLS13
#undef LF_GCM_128
#undef LF_GCM_256
#undef LF_CBC_128
#undef LF_CBC_256
#undef LF_SHA1_128
#undef LF_SHA1_256
#undef LF_RSA_SHA2
#undef LF_RSA_256

// The FIPS and post-quantum policies need what OpenSSL 3.0 does not have.
constexpr SecurityPolicy kPolicies[] = {
    {"ELBSecurityPolicy-TLS13-1-3-2021-06", 13, 13, k13Only},
    {"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", 12, 13, k13Res},
    {"ELBSecurityPolicy-TLS13-1-2-2021-06", 12, 13, k13Tls12},
    {"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", 12, 13, k13Ext1},
    {"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", 12, 13, k13Ext2},
    {"ELBSecurityPolicy-TLS13-1-1-2021-06", 11, 13, k13Ext2},
    {"ELBSecurityPolicy-TLS13-1-0-2021-06", 10, 13, k13Ext2},
    {"ELBSecurityPolicy-2016-08", 10, 12, k2016},
    {"ELBSecurityPolicy-2015-05", 10, 12, k2016},
    {"ELBSecurityPolicy-TLS-1-2-2017-01", 12, 12, kTls12},
    {"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", 12, 12, k2016},
    {"ELBSecurityPolicy-TLS-1-1-2017-01", 11, 12, k2016},
    {"ELBSecurityPolicy-FS-2018-06", 10, 12, kFs},
    {"ELBSecurityPolicy-FS-1-1-2019-08", 11, 12, kFs},
    {"ELBSecurityPolicy-FS-1-2-2019-08", 12, 12, kFs},
    {"ELBSecurityPolicy-FS-1-2-Res-2019-08", 12, 12, kFs12},
    {"ELBSecurityPolicy-FS-1-2-Res-2020-10", 12, 12, kFs12Gcm},
};

bool of_tls13(std::string_view cipher) { return cipher.starts_with("TLS_"); }

std::string joined(const SecurityPolicy& policy, bool tls13) {
  std::string out;
  for (const std::string_view cipher : policy.ciphers) {
    if (of_tls13(cipher) != tls13) continue;
    if (!out.empty()) out += ':';
    out += cipher;
  }
  return out;
}

}  // namespace

std::span<const SecurityPolicy> security_policies() { return kPolicies; }

const SecurityPolicy* find_policy(std::string_view name) {
  const auto found = std::ranges::find(kPolicies, name, &SecurityPolicy::name);
  return found == std::end(kPolicies) ? nullptr : &*found;
}

std::string openssl_ciphers(const SecurityPolicy& policy) { return joined(policy, false); }
std::string openssl_ciphersuites(const SecurityPolicy& policy) { return joined(policy, true); }

}  // namespace landfall::elbv2
