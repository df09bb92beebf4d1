// This installation's own certificate authority: clients that trust its ca.crt trust our TLS.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "http/server.h"

struct evp_pkey_st;
struct x509_st;

namespace landfall::host {

struct IssueOptions {
  std::string key = "EC_prime256v1";  // as Certificate Manager names them; see is_key_algorithm
  std::chrono::days valid{365};
};
// "EC_prime256v1", "EC_secp384r1", "EC_secp521r1", "RSA_2048", "RSA_3072", "RSA_4096".
bool is_key_algorithm(std::string_view name);

class Authority {
 public:
  // Reads ca.key (mode 0600) and ca.crt in the folder, or makes them: P-256, ten years. Errors:
  // "authority-unreadable", errno-*.
  static Result<std::unique_ptr<Authority>> open(const std::filesystem::path& folder,
                                                 const Clock& clock, Random& random);
  ~Authority();

  // A server certificate for DNS names ("*.landfall.test") and numeric addresses, with a key of its
  // own, followed by the authority's. Blocks: an elliptic key takes about a millisecond, a long RSA
  // key up to seconds. Thread safe.
  Result<http::CertificatePem> issue(const std::vector<std::string>& names,
                                     const IssueOptions& options = {}) const;

  struct Facts {
    std::string sha1_thumbprint;  // hexadecimal
    TimePoint valid_from, valid_till;
  };
  Result<Facts> describe() const;

  const std::filesystem::path& certificate_file() const { return certificate_file_; }

 private:
  Authority(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  const Clock& clock_;
  Random& random_;
  std::filesystem::path certificate_file_;
  std::string certificate_pem_;
  evp_pkey_st* key_ = nullptr;
  x509_st* certificate_ = nullptr;
};

}  // namespace landfall::host
