// What other services may ask of Certificate Manager: certificates with their keys.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "http/server.h"

namespace landfall::acm {

struct CertificateInfo {
  std::string arn;
  std::string domain;
  std::vector<std::string> names;  // all, the domain among them
  std::string status;              // "ISSUED", "PENDING_VALIDATION", ...
  std::string key_algorithm;       // "EC_prime256v1", "RSA_2048"
  TimePoint not_after{};
  // Goes up with every renewal or new import: what was loaded before is out of date.
  std::int64_t version = 0;
};

class Port {
 public:
  virtual ~Port() = default;
  // None: no such certificate in this account and region.
  virtual std::optional<CertificateInfo> find_certificate(const Scope& scope,
                                                          std::string_view arn) = 0;
  // Certificate, chain and private key. Errors: "not-found", "not-issued".
  virtual Result<http::CertificatePem> certificate_pem(const Scope& scope,
                                                       std::string_view arn) = 0;
};

}  // namespace landfall::acm
