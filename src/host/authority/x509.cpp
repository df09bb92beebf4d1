#include "host/authority/x509.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/ipv4.h"

namespace landfall::host {
namespace {

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(EXTENDED_KEY_USAGE* p) const { EXTENDED_KEY_USAGE_free(p); }
  void operator()(char* p) const { OPENSSL_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> reader(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), int(text.size())));
}

std::string contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, std::size_t(size)};
}

// A passphrase would otherwise be asked for on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<X509> read_certificate(std::string_view pem) {
  const auto in = reader(pem);
  Owned<X509> out(PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return out;
}

Owned<EVP_PKEY> read_key(std::string_view pem) {
  const auto in = reader(pem);
  Owned<EVP_PKEY> out(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return out;
}

std::string name_text(const X509_NAME* name) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ);
  return contents(out.get());
}

std::string common_name_of(X509* certificate) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, sizeof text);
  return text;
}

std::string serial_of(X509* certificate) {
  const Owned<BIGNUM> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  const Owned<char> text(number ? BN_bn2hex(number.get()) : nullptr);
  std::string out;
  for (const char* at = text ? text.get() : ""; *at; ++at) {
    if (!out.empty() && (at - text.get()) % 2 == 0) out += ':';
    out += char(std::tolower(static_cast<unsigned char>(*at)));
  }
  return out;
}

TimePoint time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return from_unix_ms(std::int64_t(timegm(&parts)) * 1000);
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       std::size_t(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD && ASN1_STRING_length(name->d.iPAddress) == 4) {
      const unsigned char* bytes = ASN1_STRING_get0_data(name->d.iPAddress);
      out.push_back(fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]));
    }
  }
  return out;
}

std::string key_algorithm_of(X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (!key) return "";
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
    return fmt::format("RSA_{}", EVP_PKEY_get_bits(key));
  char group[64] = "";
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1) {
    return fmt::format("EC_{}", group);
  }
  return "";
}

std::string signature_algorithm_of(X509* certificate) {
  int digest = 0, key = 0;
  if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, &key) != 1) return "";
  return fmt::format("{}WITH{}", OBJ_nid2sn(digest), key == NID_rsaEncryption ? "RSA" : "ECDSA");
}

std::vector<std::string> key_usages_of(X509* certificate) {
  constexpr std::pair<std::uint32_t, const char*> kUsages[] = {
      {KU_DIGITAL_SIGNATURE, "DIGITAL_SIGNATURE"},
      {KU_NON_REPUDIATION, "NON_REPUDIATION"},
      {KU_KEY_ENCIPHERMENT, "KEY_ENCIPHERMENT"},
      {KU_DATA_ENCIPHERMENT, "DATA_ENCIPHERMENT"},
      {KU_KEY_AGREEMENT, "KEY_AGREEMENT"},
      {KU_KEY_CERT_SIGN, "CERTIFICATE_SIGNING"},
      {KU_CRL_SIGN, "CRL_SIGNING"}};
  const std::uint32_t flags = X509_get_key_usage(certificate);
  if (flags == UINT32_MAX) return {"ANY"};
  std::vector<std::string> out;
  for (const auto& [flag, name] : kUsages)
    if (flags & flag) out.emplace_back(name);
  return out;
}

std::vector<std::string> extended_usages_of(X509* certificate) {
  std::vector<std::string> out;
  const Owned<EXTENDED_KEY_USAGE> usages(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    char text[128] = "";
    OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usages.get(), i), 1);
    out.emplace_back(text);
  }
  return out;
}

}  // namespace

std::vector<std::string> certificate_blocks(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  std::vector<std::string> out;
  while (true) {
    const std::size_t begin = pem.find(kBegin);
    const std::size_t end = begin == pem.npos ? pem.npos : pem.find(kEnd, begin);
    if (end == pem.npos) return out;
    out.push_back(std::string(pem.substr(begin, end + kEnd.size() - begin)) + "\n");
    pem.remove_prefix(end + kEnd.size());
  }
}

Result<CertificateFacts> certificate_facts(std::string_view pem) {
  const auto certificate = read_certificate(pem);
  if (!certificate)
    return fail("certificate-unreadable", "The certificate field contains no certificate in PEM");
  CertificateFacts out;
  out.serial = serial_of(certificate.get());
  out.subject = name_text(X509_get_subject_name(certificate.get()));
  out.issuer = name_text(X509_get_issuer_name(certificate.get()));
  out.common_name = common_name_of(certificate.get());
  out.names = names_of(certificate.get());
  out.key_algorithm = key_algorithm_of(certificate.get());
  out.signature_algorithm = signature_algorithm_of(certificate.get());
  out.key_usages = key_usages_of(certificate.get());
  out.extended_key_usages = extended_usages_of(certificate.get());
  out.not_before = time_of(X509_get0_notBefore(certificate.get()));
  out.not_after = time_of(X509_get0_notAfter(certificate.get()));
  out.self_signed = X509_NAME_cmp(X509_get_subject_name(certificate.get()),
                                  X509_get_issuer_name(certificate.get())) == 0;
  ERR_clear_error();
  return out;
}

Result<void> check_key_and_chain(std::string_view certificate_pem, std::string_view key_pem,
                                 std::string_view chain_pem) {
  auto signed_one = read_certificate(certificate_pem);
  if (!signed_one)
    return fail("certificate-unreadable", "The certificate field contains no certificate in PEM");
  const auto key = read_key(key_pem);
  if (!key) {
    return fail("key-unreadable", "The private key is not a PEM-encoded key without a passphrase");
  }
  const bool fits = X509_check_private_key(signed_one.get(), key.get()) == 1;
  ERR_clear_error();
  if (!fits) return fail("key-differs", "The private key does not match the certificate");
  const auto blocks = certificate_blocks(chain_pem);
  if (blocks.empty() && chain_pem.find_first_not_of(" \r\n\t") != chain_pem.npos)
    return fail("chain-broken", "The certificate chain contains no certificate in PEM");
  for (const std::string& block : blocks) {
    auto issuer = read_certificate(block);
    const bool signs = issuer && X509_check_issued(issuer.get(), signed_one.get()) == X509_V_OK &&
                       X509_verify(signed_one.get(), X509_get0_pubkey(issuer.get())) == 1;
    ERR_clear_error();
    if (!signs) {
      return fail("chain-broken",
                  "Each certificate of the chain must sign the one before it, the first one the "
                  "certificate itself");
    }
    signed_one = std::move(issuer);
  }
  return {};
}

Result<std::string> encrypt_key(std::string_view key_pem, std::string_view passphrase) {
  const auto key = read_key(key_pem);
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  if (!key || !out ||
      PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(), passphrase.data(),
                                    int(passphrase.size()), nullptr, nullptr) != 1) {
    ERR_clear_error();
    return fail("key-unreadable", "The private key cannot be encrypted", 500);
  }
  return contents(out.get());
}

}  // namespace landfall::host
