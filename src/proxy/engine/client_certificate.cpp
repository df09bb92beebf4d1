#include "proxy/engine/client_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "base/check.h"
#include "proxy/engine/tls.h"

namespace landfall::proxy {
namespace {

// docs: load-balancer-limits
constexpr int kChainDepth = 4;
// One that all of a request's headers have room for when it is passed on.
constexpr long kCertificateBytes = 48 << 10;

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* value) const { Free(value); }
};
using CertificatePtr = std::unique_ptr<X509, Freed<X509, X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Freed<X509_CRL, X509_CRL_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE, X509_STORE_free>>;
struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

std::string text_of(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string name_of(const X509_NAME* name) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return text_of(bio);
}

std::string serial_of(const X509* certificate) {
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  char* digits = number != nullptr ? BN_bn2hex(number) : nullptr;
  std::string out = digits != nullptr ? digits : "";
  OPENSSL_free(digits);
  BN_free(number);
  return out;
}

std::string time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "-";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void append_encoded(X509* certificate, std::string& out) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  for (const char c : text_of(bio)) {
    const char small = static_cast<char>(c | 0x20);
    const bool safe = (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~+=/").contains(c);
    if (safe) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

std::unique_ptr<ClientCertificate> describe(X509* leaf) {
  auto out = std::make_unique<ClientCertificate>();
  out->subject = name_of(X509_get_subject_name(leaf));
  out->issuer = name_of(X509_get_issuer_name(leaf));
  out->serial_number = serial_of(leaf);
  out->validity = fmt::format("NotBefore={};NotAfter={}", time_of(X509_get0_notBefore(leaf)),
                              time_of(X509_get0_notAfter(leaf)));
  return out;
}

// docs: mutual-authentication, requirements for certificates
bool is_supported(X509* certificate) {
  if (X509_get_version(certificate) != 2) return false;
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return false;
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      if (bits < 2048 || bits > 8192) return false;
      break;
    case EVP_PKEY_EC: {
      char group[64] = {};
      std::size_t size = 0;
      if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return false;
      const std::string_view name(group, size);
      if (name != "prime256v1" && name != "secp384r1" && name != "secp521r1") return false;
      break;
    }
    default:
      return false;
  }
  int digest = NID_undef;
  if (X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1) return false;
  return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

// docs: load-balancer-connection-logs, error reason codes
std::string_view reason_of(int error) {
  switch (error) {
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return "ClientCertMaxChainDepthExceeded";
    case X509_V_ERR_CERT_REVOKED:
      return "ClientCertCrlHit";
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      return "ClientCertCrlProcessingError";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "ClientCertUntrusted";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "ClientCertNotYetValid";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "ClientCertExpired";
    case X509_V_ERR_INVALID_PURPOSE:
      return "ClientCertPurposeInvalid";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "ClientCertTypeUnsupported";
    case X509_V_ERR_CERT_REJECTED:
      return "ClientCertRejected";
    default:
      return "ClientCertInvalid";
  }
}

constexpr std::uintptr_t kIgnoresExpiry = 1;
constexpr std::uintptr_t kPassesThrough = 2;

int allow_without_crl(int good, X509_STORE_CTX* check) {
  // Only of authorities that have uploaded one is it known what they revoked.
  if (good == 0 && X509_STORE_CTX_get_error(check) == X509_V_ERR_UNABLE_TO_GET_CRL) {
    X509_STORE_CTX_set_error(check, X509_V_OK);
    return 1;
  }
  return good;
}

int allow_expired(int good, X509_STORE_CTX* check) {
  if (good == 0 && X509_STORE_CTX_get_error_depth(check) == 0 &&
      X509_STORE_CTX_get_error(check) == X509_V_ERR_CERT_HAS_EXPIRED) {
    X509_STORE_CTX_set_error(check, X509_V_OK);
    return 1;
  }
  return allow_without_crl(good, check);
}

// In place of OpenSSL's own check. What was shown stays known when it is refused.
int check_chain(X509_STORE_CTX* check, void* flags) {
  const auto mode = reinterpret_cast<std::uintptr_t>(flags);
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  X509* leaf = X509_STORE_CTX_get0_cert(check);
  auto shown = describe(leaf);
  if ((mode & kPassesThrough) != 0) {
    STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(check);
    for (int i = 0; i < sk_X509_num(chain); ++i)
      append_encoded(sk_X509_value(chain, i), shown->chain);
    session->set_client_certificate(std::move(shown));
    X509_STORE_CTX_set_error(check, X509_V_OK);
    return 1;
  }
  append_encoded(leaf, shown->leaf);
  X509_STORE_CTX_set_verify_cb(check,
                               (mode & kIgnoresExpiry) != 0 ? allow_expired : allow_without_crl);
  int good = X509_verify_cert(check);
  if (good <= 0) shown->failure = reason_of(X509_STORE_CTX_get_error(check));
  if (good > 0 && !is_supported(leaf)) {
    X509_STORE_CTX_set_error(check, X509_V_ERR_EE_KEY_TOO_SMALL);
    shown->failure = "ClientCertTypeUnsupported";
    good = 0;
  }
  session->set_client_certificate(std::move(shown));
  return good > 0 ? 1 : 0;
}

std::unexpected<Error> invalid(std::string_view what) {
  ERR_clear_error();
  return fail("trust-store-invalid", std::string(what));
}

}  // namespace

Result<void> ask_for_certificates(SSL_CTX* context, const MutualTls& settings) {
  if (settings.mode == ClientCertificates::off) return {};
  // docs: session resumption is not supported. Nor must a session of a listener that asks for
  // nothing be resumed here.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_max_cert_list(context, kCertificateBytes);
  const bool verify = settings.mode == ClientCertificates::verify;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (verify ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  const std::uintptr_t mode =
      (verify ? 0 : kPassesThrough) | (settings.ignore_expiry ? kIgnoresExpiry : 0);
  SSL_CTX_set_cert_verify_callback(context, check_chain, reinterpret_cast<void*>(mode));
  if (!verify) return {};

  const StorePtr store(X509_STORE_new());
  CHECK(store != nullptr);
  const BioPtr authorities(BIO_new_mem_buf(settings.authorities_pem.data(),
                                           static_cast<int>(settings.authorities_pem.size())));
  STACK_OF(X509_NAME)* names = nullptr;
  if (settings.advertise_authorities) {
    names = sk_X509_NAME_new_null();
    SSL_CTX_set_client_CA_list(context, names);  // takes them
  }
  int count = 0;
  while (
      const CertificatePtr each{PEM_read_bio_X509(authorities.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store.get(), each.get()) != 1)
      return invalid("a certificate of the trust store cannot be used");
    if (names != nullptr)
      sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(each.get())));
    ++count;
  }
  if (count == 0) return invalid("the trust store has no certificate");
  // An authority in the store is trusted, whoever issued it.
  unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
  for (const std::string& text : settings.revoked) {
    const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    while (const CrlPtr each{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) {
      if (X509_STORE_add_crl(store.get(), each.get()) != 1)
        return invalid("a revocation list cannot be used");
      flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    }
  }
  X509_STORE_set_flags(store.get(), flags);
  X509_STORE_set_depth(store.get(), kChainDepth);
  SSL_CTX_set1_verify_cert_store(context, store.get());
  ERR_clear_error();  // the ends of the texts
  return {};
}

}  // namespace landfall::proxy
