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

class Authority {
 public:
  // Reads ca.key (mode 0600) and ca.crt in the folder, or makes them: P-256, ten years. Errors:
  // "authority-unreadable", errno-*.
  static Result<std::unique_ptr<Authority>> open(const std::filesystem::path& folder,
                                                 const Clock& clock, Random& random);
  ~Authority();

  // A server certificate for DNS names ("*.landfall.test") and numeric addresses, valid for a year,
  // with a key of its own. Blocks for about a millisecond.
  Result<http::CertificatePem> issue(const std::vector<std::string>& names) const;

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
