#include "host/authority/authority.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/check.h"
#include "io/files.h"

namespace landfall::host {
namespace {

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::unexpected<Error> openssl_failed(std::string_view what) {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return fail("authority-failed", fmt::format("{}: {}", what, text), 500);
}

template <class Write>
std::string to_pem(Write write) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  CHECK(out && write(out.get()));
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, std::size_t(size)};
}

std::string pem_of(EVP_PKEY* key) {
  return to_pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}
std::string pem_of(X509* certificate) {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1);
}

// Version, serial number, validity, subject and key: what every certificate has.
bool fill(X509* certificate, EVP_PKEY* key, const std::string& common_name, TimePoint from,
          std::chrono::days valid, Random& random) {
  unsigned char serial[16];
  random.fill(serial);
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number(BN_bin2bn(serial, sizeof serial, nullptr),
                                                          BN_free);
  const std::time_t start = to_unix_ms(from) / 1000 - 300;  // clocks differ
  const std::time_t end = start + std::chrono::duration_cast<std::chrono::seconds>(valid).count();
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  return X509_set_version(certificate, X509_VERSION_3) && number &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), start) &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), end) &&
         X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>("Landfall"), -1, -1,
                                    0) &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) &&
         X509_set_pubkey(certificate, key);
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    unsigned char ignored[16];
    const bool address = inet_pton(AF_INET, name.c_str(), ignored) == 1 ||
                         inet_pton(AF_INET6, name.c_str(), ignored) == 1;
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", address ? "IP" : "DNS", name);
  }
  return out;
}

struct KeyKind {
  std::string_view name;
  const char* curve;  // null: RSA
  unsigned rsa_bits;
};
constexpr KeyKind kKeyKinds[] = {{"EC_prime256v1", "P-256", 0}, {"EC_secp384r1", "P-384", 0},
                                 {"EC_secp521r1", "P-521", 0},  {"RSA_2048", nullptr, 2048},
                                 {"RSA_3072", nullptr, 3072},   {"RSA_4096", nullptr, 4096}};

// The value becomes part of OpenSSL's configuration syntax: only what names and addresses consist
// of.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '*' || c == ':' || c == '_';
  });
}

}  // namespace

Authority::~Authority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

Result<std::unique_ptr<Authority>> Authority::open(const std::filesystem::path& folder,
                                                   const Clock& clock, Random& random) {
  const auto key_file = folder / "ca.key";
  std::unique_ptr<Authority> out(new Authority(clock, random));
  out->certificate_file_ = folder / "ca.crt";
  // The certificate is written last: a start that was cut off in between begins anew.
  if (std::filesystem::exists(key_file) && std::filesystem::exists(out->certificate_file_)) {
    LF_TRY(key_text, io::read_file(key_file, 64 << 10));
    LF_TRY(certificate_text, io::read_file(out->certificate_file_, 64 << 10));
    const Owned<BIO> key_in(BIO_new_mem_buf(key_text.data(), int(key_text.size())));
    const Owned<BIO> certificate_in(
        BIO_new_mem_buf(certificate_text.data(), int(certificate_text.size())));
    out->key_ = PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr);
    out->certificate_ = PEM_read_bio_X509(certificate_in.get(), nullptr, nullptr, nullptr);
    if (!out->key_ || !out->certificate_ ||
        X509_check_private_key(out->certificate_, out->key_) != 1) {
      ERR_clear_error();
      return fail(
          "authority-unreadable",
          fmt::format("{} and {} are not a certificate and its key; remove both to have new "
                      "ones made (clients must then trust the new ca.crt)",
                      out->certificate_file_.string(), key_file.string()),
          500);
    }
    out->certificate_pem_ = std::move(certificate_text);
    return out;
  }
  out->key_ = EVP_EC_gen("P-256");
  out->certificate_ = X509_new();
  if (!out->key_ || !out->certificate_) return openssl_failed("cannot make a key");
  X509* made = out->certificate_;
  const std::string name = "Landfall CA " + random.hex(8);
  if (!fill(made, out->key_, name, clock.now(), std::chrono::days(3650), random) ||
      !X509_set_issuer_name(made, X509_get_subject_name(made)) ||
      !add_extension(made, made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(made, made, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(made, made, NID_subject_key_identifier, "hash") ||
      !X509_sign(made, out->key_, EVP_sha256())) {
    return openssl_failed("cannot make a certificate authority");
  }
  out->certificate_pem_ = pem_of(made);
  LF_OK(io::write_file(key_file, pem_of(out->key_), 0600));
  LF_OK(io::write_file(out->certificate_file_, out->certificate_pem_, 0644));
  return out;
}

bool is_key_algorithm(std::string_view name) {
  return std::ranges::any_of(kKeyKinds, [&](const KeyKind& kind) { return kind.name == name; });
}

Result<http::CertificatePem> Authority::issue(const std::vector<std::string>& names,
                                              const IssueOptions& options) const {
  const auto kind = std::ranges::find(kKeyKinds, options.key, &KeyKind::name);
  if (kind == std::end(kKeyKinds)) {
    return fail("invalid-key", fmt::format("there are no keys of algorithm {}", options.key));
  }
  if (names.empty() || !std::ranges::all_of(names, is_plain_name)) {
    return fail("invalid-name", "a certificate needs DNS names or addresses");
  }
  const Owned<EVP_PKEY> key(kind->rsa_bits ? EVP_RSA_gen(kind->rsa_bits) : EVP_EC_gen(kind->curve));
  const Owned<X509> made(X509_new());
  if (!key || !made) return openssl_failed("cannot make a key");
  const char* usage =
      kind->rsa_bits ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
  // A common name holds at most 64 characters; clients read the alternative names.
  if (!fill(made.get(), key.get(), names.front().substr(0, 64), clock_.now(), options.valid,
            random_) ||
      !X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_)) ||
      !add_extension(made.get(), certificate_, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made.get(), certificate_, NID_key_usage, usage) ||
      !add_extension(made.get(), certificate_, NID_ext_key_usage, "serverAuth") ||
      !add_extension(made.get(), certificate_, NID_authority_key_identifier, "keyid") ||
      !add_extension(made.get(), certificate_, NID_subject_alt_name, alternative_names(names)) ||
      !X509_sign(made.get(), key_, EVP_sha256())) {
    return openssl_failed("cannot make a certificate");
  }
  return http::CertificatePem{pem_of(made.get()) + certificate_pem_, pem_of(key.get())};
}

Result<Authority::Facts> Authority::describe() const {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  std::tm from{}, till{};
  if (X509_digest(certificate_, EVP_sha1(), digest, &size) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notBefore(certificate_), &from) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate_), &till) != 1) {
    return openssl_failed("cannot read the authority's certificate");
  }
  const std::string_view bytes(reinterpret_cast<const char*>(digest), size);
  return Facts{hex_encode(bytes), from_unix_ms(std::int64_t(::timegm(&from)) * 1000),
               from_unix_ms(std::int64_t(::timegm(&till)) * 1000)};
}

}  // namespace landfall::host
