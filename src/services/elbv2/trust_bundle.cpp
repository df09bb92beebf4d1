#include "services/elbv2/trust_bundle.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* value) const { Free(value); }
};
using CertificatePtr = std::unique_ptr<X509, Freed<X509, X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Freed<X509_CRL, X509_CRL_free>>;
struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

std::unexpected<Error> bad_bundle(std::string_view what) {
  return errors::invalid_ca_certificates_bundle(
      fmt::format("The CA certificates bundle is not valid: {}", what));
}

// Comments and certificates, nothing else; what is wrong, or nothing.
std::string_view form_of_bundle(std::string_view text) {
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "-----BEGIN CERTIFICATE-----") {
      if (inside) return "a certificate begins inside another one";
      inside = true;
    } else if (line == "-----END CERTIFICATE-----") {
      if (!inside) return "a certificate ends that has not begun";
      inside = false;
    } else if (line.empty()) {
      return "there is a blank line";
    } else if (line.starts_with('#') && !inside) {
      if (line.contains('-')) return "there is a '-' in a comment";
    } else if (!inside) {
      return "there is text outside of the certificates that is no comment";
    }
  }
  return inside ? "the last certificate has no end" : "";
}

bool strong(int digest) {
  return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

bool is_supported_key(EVP_PKEY* key) {
  if (key == nullptr) return false;
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return bits >= 2048 && bits <= 8192;
    case EVP_PKEY_EC:
      return bits == 256 || bits == 384 || bits == 521;
    default:
      return false;
  }
}

}  // namespace

Result<int> check_authorities(std::string_view pem) {
  if (const std::string_view wrong = form_of_bundle(pem); !wrong.empty()) return bad_bundle(wrong);
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::size_t written = 0;
  for (std::size_t at = 0; (at = pem.find("-----BEGIN", at)) != pem.npos; ++at) ++written;
  std::size_t count = 0;
  while (const CertificatePtr each{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    ++count;
    if (X509_check_ca(each.get()) == 0)
      return bad_bundle(fmt::format("certificate {} is not one of an authority", count));
    int digest = NID_undef;
    X509_get_signature_info(each.get(), &digest, nullptr, nullptr, nullptr);
    if (X509_get_version(each.get()) != 2 || !strong(digest) ||
        !is_supported_key(X509_get0_pubkey(each.get()))) {
      return bad_bundle(fmt::format(
          "certificate {} is not X.509v3 with an RSA (2048 to 8192 bits) or EC key (P-256, P-384, "
          "P-521), signed with SHA-256, SHA-384 or SHA-512",
          count));
    }
  }
  ERR_clear_error();  // the end of the text
  if (count == 0) return bad_bundle("there is no certificate in it");
  if (count != written) return bad_bundle(fmt::format("certificate {} cannot be read", count + 1));
  if (count > kMostAuthorities)
    return bad_bundle(fmt::format("it has more than {} certificates", kMostAuthorities));
  return static_cast<int>(count);
}

Result<std::int64_t> check_revocations(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::int64_t entries = 0;
  int lists = 0;
  while (const CrlPtr each{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) {
    ++lists;
    int digest = NID_undef;
    OBJ_find_sigid_algs(X509_CRL_get_signature_nid(each.get()), &digest, nullptr);
    // The digest of PSS is a parameter: it is checked when the list is.
    if (!strong(digest) && X509_CRL_get_signature_nid(each.get()) != NID_rsassaPss) {
      return errors::invalid_revocation_content(
          "The revocation list is not signed with SHA-256, SHA-384 or SHA-512");
    }
    entries += sk_X509_REVOKED_num(X509_CRL_get_REVOKED(each.get())) > 0
                   ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(each.get()))
                   : 0;
  }
  ERR_clear_error();
  if (lists == 0)
    return errors::invalid_revocation_content("There is no revocation list in PEM in the file");
  return entries;
}

}  // namespace landfall::elbv2
