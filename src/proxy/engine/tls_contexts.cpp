#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "proxy/engine/tls.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy {
namespace {

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* value) const { Free(value); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX, SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509, X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

BioPtr reader(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string openssl_says() {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

// One key for all contexts of the process: a session begun at one snapshot is resumed at the next.
const std::array<unsigned char, 80>& ticket_keys() {
  static const std::array<unsigned char, 80> keys = [] {
    std::array<unsigned char, 80> made;
    CHECK(RAND_bytes(made.data(), static_cast<int>(made.size())) == 1);
    return made;
  }();
  return keys;
}

int version_number(int version) {
  switch (version) {
    case 10:
      return TLS1_VERSION;
    case 11:
      return TLS1_1_VERSION;
    case 12:
      return TLS1_2_VERSION;
    case 13:
      return TLS1_3_VERSION;
    default:
      return 0;
  }
}

// Two-byte length, then so many bytes.
std::string_view take_vector(std::string_view& from) {
  if (from.size() < 2) return {};
  const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(from[0])) << 8 |
                           static_cast<unsigned char>(from[1]);
  from.remove_prefix(2);
  const std::string_view out = from.substr(0, size);
  from.remove_prefix(out.size());
  return out;
}

std::string_view extension(SSL* ssl, unsigned type) {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &bytes, &size) != 1) return {};
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string server_name(SSL* ssl) {
  std::string_view data = extension(ssl, TLSEXT_TYPE_server_name);
  std::string_view list = take_vector(data);
  if (list.empty() || list[0] != TLSEXT_NAMETYPE_host_name) return {};
  list.remove_prefix(1);
  std::string name(take_vector(list));
  for (char& c : name) c = http1::lower(c);
  return name;
}

bool takes_ecdsa(SSL* ssl) {
  std::string_view data = extension(ssl, TLSEXT_TYPE_signature_algorithms);
  std::string_view list = take_vector(data);
  for (; list.size() >= 2; list.remove_prefix(2)) {
    // ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512
    if (list[1] == 3 && list[0] >= 4 && list[0] <= 6) return true;
  }
  return false;
}

const unsigned char kH2First[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void* http2) {
  const bool h2 = http2 != nullptr;
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, h2 ? kH2First : kH2First + 3,
                            h2 ? sizeof kH2First : sizeof kH2First - 3, offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

struct TlsContexts::Entry {
  std::string id;
  std::vector<std::string> names;  // lower case, with "*." in front of wildcards
  ContextPtr context;
  bool ecdsa = false;
  int strength = 0;

  bool covers(std::string_view name) const {
    for (const std::string& own : names) {
      if (own == name) return true;
      const std::size_t dot = name.find('.');
      if (own.starts_with("*.") && dot != std::string_view::npos && dot > 0 &&
          name.substr(dot) == std::string_view(own).substr(1)) {
        return true;
      }
    }
    return false;
  }
};

namespace {

int on_client_hello(SSL* ssl, int*, void* contexts) {
  const auto& entry =
      static_cast<const TlsContexts*>(contexts)->choose(server_name(ssl), takes_ecdsa(ssl));
  SSL_set_SSL_CTX(ssl, entry.context.get());
  return SSL_CLIENT_HELLO_SUCCESS;
}

void read_names(X509* certificate, std::vector<std::string>& out) {
  const auto add = [&](ASN1_STRING* text) {
    std::string name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
    for (char& c : name) c = http1::lower(c);
    out.push_back(std::move(name));
  };
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) add(name->d.dNSName);
  }
  const bool had_names = !out.empty();
  GENERAL_NAMES_free(names);
  if (had_names) return;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

Result<void> load_certificate(TlsContexts::Entry& entry, const Certificate& certificate) {
  const auto bad = [&](std::string_view what) {
    return fail("certificate-invalid",
                fmt::format("certificate {}: {}: {}", certificate.id, what, openssl_says()));
  };
  ERR_clear_error();
  SSL_CTX* context = entry.context.get();
  const BioPtr chain = reader(certificate.chain_pem);
  const CertificatePtr leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!leaf) return bad("not a PEM certificate");
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1) return bad("cannot be used");
  while (CertificatePtr next{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) return bad("its chain cannot be used");
  }
  ERR_clear_error();  // the end of the text
  const BioPtr key_text = reader(certificate.key_pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key) return bad("its key is not a PEM private key");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return bad("its key does not fit");
  read_names(leaf.get(), entry.names);
  entry.id = certificate.id;
  entry.ecdsa = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_EC;
  entry.strength = EVP_PKEY_get_security_bits(key.get());
  return {};
}

Result<ContextPtr> make_context(const TlsSettings& settings, bool http2, const MutualTls& mutual,
                                const TlsContexts* contexts) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  CHECK(context != nullptr);
  SSL_CTX* raw = context.get();
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF |
                               SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_quiet_shutdown(raw, 0);
  // Resumption by tickets only: nothing is kept here for clients that may never come back.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  static constexpr unsigned char kSessionContext[] = "landfall";
  SSL_CTX_set_session_id_context(raw, kSessionContext, sizeof kSessionContext - 1);
  auto keys = ticket_keys();
  SSL_CTX_set_tlsext_ticket_keys(raw, keys.data(), static_cast<long>(keys.size()));
  const int least = version_number(settings.minimum_version);
  const int most = version_number(settings.maximum_version);
  if (least == 0 || most == 0 || SSL_CTX_set_min_proto_version(raw, least) != 1 ||
      SSL_CTX_set_max_proto_version(raw, most) != 1) {
    return fail("tls-settings-invalid", "the TLS versions are not known");
  }
  if (!settings.ciphers.empty() && SSL_CTX_set_cipher_list(raw, settings.ciphers.c_str()) != 1)
    return fail("tls-settings-invalid", "the TLS ciphers are not known: " + openssl_says());
  if (!settings.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(raw, settings.ciphersuites.c_str()) != 1) {
    return fail("tls-settings-invalid", "the TLS cipher suites are not known: " + openssl_says());
  }
  if (SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384:P-521") != 1)
    return fail("tls-settings-invalid", "key exchange groups: " + openssl_says());
  LF_OK(ask_for_certificates(raw, mutual));
  SSL_CTX_set_client_hello_cb(raw, on_client_hello, const_cast<TlsContexts*>(contexts));
  static int with_http2 = 1;
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, http2 ? &with_http2 : nullptr);
  return context;
}

}  // namespace

TlsContexts::TlsContexts() = default;
TlsContexts::~TlsContexts() = default;

Result<std::shared_ptr<TlsContexts>> TlsContexts::open(const TlsSettings& settings, bool http2,
                                                       const MutualTls& mutual) {
  if (settings.certificates.empty())
    return fail("certificate-invalid", "the listener has no certificate");
  const std::shared_ptr<TlsContexts> out(new TlsContexts);
  for (const Certificate& certificate : settings.certificates) {
    auto entry = std::make_unique<Entry>();
    LF_TRY(context, make_context(settings, http2, mutual, out.get()));
    entry->context = std::move(context);
    LF_OK(load_certificate(*entry, certificate));
    SSL_CTX_set_app_data(entry->context.get(), entry.get());
    out->entries_.push_back(std::move(entry));
  }
  return out;
}

// docs: create-https-listener, server name indication: what the client can verify, then the
// stronger key; without a match the default certificate.
const TlsContexts::Entry& TlsContexts::choose(std::string_view name, bool takes_ecdsa) const {
  const Entry* best = nullptr;
  const auto better = [&](const Entry& a, const Entry& b) {
    const bool a_ecdsa = a.ecdsa && takes_ecdsa;
    const bool b_ecdsa = b.ecdsa && takes_ecdsa;
    if (a_ecdsa != b_ecdsa) return a_ecdsa;
    if (a.ecdsa != b.ecdsa) return b.ecdsa;  // this client cannot use it
    return a.strength > b.strength;
  };
  if (!name.empty()) {
    for (const auto& entry : entries_) {
      if (entry->covers(name) && (best == nullptr || better(*entry, *best))) best = entry.get();
    }
  }
  return best != nullptr ? *best : *entries_.front();
}

std::unique_ptr<TlsSession> TlsContexts::accept() const {
  SSL* ssl = SSL_new(entries_.front()->context.get());
  CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl);
  return std::make_unique<TlsSession>(ssl, shared_from_this());
}

std::string_view TlsContexts::certificate_id(const TlsSession& session) {
  const auto* entry =
      static_cast<const Entry*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session.ssl())));
  return entry != nullptr ? std::string_view(entry->id) : std::string_view();
}

std::unique_ptr<TlsSession> connect_tls(bool http2) {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    CHECK(made != nullptr);
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    return made;
  }();
  SSL* ssl = SSL_new(context);
  CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl);
  if (http2) SSL_set_alpn_protos(ssl, kH2First, 3);
  return std::make_unique<TlsSession>(ssl);
}

}  // namespace landfall::proxy
