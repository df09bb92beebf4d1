// For tests: an authority that issues certificates for clients and revokes them.
#pragma once

#include "proxy/engine/testing_tls.h"

namespace landfall::proxy::testing {

struct Wish {
  std::string name;
  long serial = 0x03A5B1;
  long from_seconds = -3600;
  long to_seconds = 3600;
  bool authority = false;
  std::string purpose;  // of extendedKeyUsage; empty: none
  int rsa_bits = 0;     // 0: an EC key on P-256
  const EVP_MD* digest = EVP_sha256();
};

class Authority {
 public:
  explicit Authority(const std::string& name) { make({.name = name, .authority = true}, nullptr); }
  Authority(const Wish& wish, const Authority& issuer) { make(wish, &issuer); }
  ~Authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Authority(const Authority&) = delete;

  std::string pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate_);
    return text_of(bio);
  }
  std::string key_pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key_, nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(bio);
  }
  Certificate issue(const Wish& wish) const {
    const Authority made(wish, *this);
    return {.id = wish.name, .chain_pem = made.pem(), .key_pem = made.key_pem()};
  }
  std::string revoke(const std::vector<long>& serials, long to_seconds = 3600) const {
    X509_CRL* list = X509_CRL_new();
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate_));
    ASN1_TIME* time = X509_gmtime_adj(nullptr, -7200);
    X509_CRL_set1_lastUpdate(list, time);
    X509_gmtime_adj(time, to_seconds);
    X509_CRL_set1_nextUpdate(list, time);
    for (const long serial : serials) {
      X509_REVOKED* entry = X509_REVOKED_new();
      ASN1_INTEGER* number = ASN1_INTEGER_new();
      ASN1_INTEGER_set(number, serial);
      X509_REVOKED_set_serialNumber(entry, number);
      X509_gmtime_adj(time, -60);
      X509_REVOKED_set_revocationDate(entry, time);
      ASN1_INTEGER_free(number);
      X509_CRL_add0_revoked(list, entry);
    }
    ASN1_TIME_free(time);
    X509_CRL_sort(list);
    X509_CRL_sign(list, key_, EVP_sha256());
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_CRL(bio, list);
    X509_CRL_free(list);
    return text_of(bio);
  }

 private:
  void add(int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate_, certificate_, nullptr, nullptr, 0);
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate_, made, -1);
    X509_EXTENSION_free(made);
  }
  void make(const Wish& wish, const Authority* issuer) {
    key_ =
        wish.rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(wish.rsa_bits)) : EVP_EC_gen("P-256");
    certificate_ = X509_new();
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), wish.serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), wish.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), wish.to_seconds);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    const auto put = [&](const char* field, const std::string& value) {
      X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
    };
    put("O", "mTLS");
    put("CN", wish.name);
    X509_set_issuer_name(certificate_,
                         X509_get_subject_name(issuer ? issuer->certificate_ : certificate_));
    if (wish.authority) {
      add(NID_basic_constraints, "critical,CA:TRUE");
      add(NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    if (!wish.purpose.empty()) add(NID_ext_key_usage, wish.purpose.c_str());
    X509_sign(certificate_, issuer ? issuer->key_ : key_, wish.digest);
  }

  X509* certificate_ = nullptr;
  EVP_PKEY* key_ = nullptr;
};

}  // namespace landfall::proxy::testing
