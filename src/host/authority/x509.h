// What a certificate says, for those that show it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace landfall::host {

struct CertificateFacts {
  std::string serial;   // "0a:1b:..."
  std::string subject;  // "CN=www.example.com"
  std::string issuer;
  std::string common_name;
  std::vector<std::string> names;                // alternative names of type DNS and IP
  std::string key_algorithm;                     // as Certificate Manager names them: "RSA_2048"
  std::string signature_algorithm;               // "SHA256WITHRSA", "SHA256WITHECDSA"
  std::vector<std::string> key_usages;           // "DIGITAL_SIGNATURE", ...
  std::vector<std::string> extended_key_usages;  // object ids: "1.3.6.1.5.5.7.3.1"
  TimePoint not_before{};
  TimePoint not_after{};
  bool self_signed = false;
};

// Of the first certificate in `pem`. Error: "certificate-unreadable".
Result<CertificateFacts> certificate_facts(std::string_view pem);

// `key_pem` is the unencrypted key of the certificate; the certificates of `chain_pem` (may be
// empty) each sign the one before. Errors: "certificate-unreadable", "key-unreadable",
// "key-differs", "chain-broken".
Result<void> check_key_and_chain(std::string_view certificate_pem, std::string_view key_pem,
                                 std::string_view chain_pem);

// The key as PKCS #8, encrypted with AES-256 under a passphrase.
Result<std::string> encrypt_key(std::string_view key_pem, std::string_view passphrase);

// The PEM blocks of type CERTIFICATE, each ending with a line break.
std::vector<std::string> certificate_blocks(std::string_view pem);

}  // namespace landfall::host
