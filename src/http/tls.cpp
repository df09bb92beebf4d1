#include "http/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "io/files.h"

namespace landfall::http {
namespace {

bool is_address(const std::string& host) {
  unsigned char ignored[16];
  return ::inet_pton(AF_INET, host.c_str(), ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static const unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kHttp11, sizeof kHttp11 - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

void TlsFree::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsFree::operator()(ssl_st* session) const { SSL_free(session); }

Error tls_error(std::string_view what) {
  const unsigned long code = ERR_get_error();
  std::string reason = "connection broken";
  if (code != 0) {
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    reason = text;
  }
  ERR_clear_error();
  return Error{"tls-failed", fmt::format("{}: {}", what, reason), 500};
}

namespace {

// Names that clients may ask for are theirs to choose: remember so many.
constexpr std::size_t kNamesLimit = 256;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

std::unique_ptr<BIO, BioFree> as_bio(const std::string& text) {
  return std::unique_ptr<BIO, BioFree>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool use_certificates(SSL_CTX* context, const std::string& pem) {
  const auto bio = as_bio(pem);
  const std::unique_ptr<X509, BioFree> leaf(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return false;
    }
  }
  ERR_clear_error();  // the end of the text counts as an error
  return true;
}

bool use_key(SSL_CTX* context, const std::string& pem) {
  const auto bio = as_bio(pem);
  const std::unique_ptr<EVP_PKEY, BioFree> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 &&
         SSL_CTX_check_private_key(context) == 1;
}

}  // namespace

Result<TlsContext::Context> TlsContext::server_context(const CertificatePem& pem,
                                                       std::string_view what) {
  ERR_clear_error();
  Context out(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = out.get();
  if (context == nullptr) return std::unexpected(tls_error("TLS context"));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need no memory here
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  if (!use_certificates(context, pem.certificate)) {
    return std::unexpected(tls_error(fmt::format("certificate {}", what)));
  }
  if (!use_key(context, pem.key))
    return std::unexpected(tls_error(fmt::format("key of certificate {}", what)));
  return out;
}

int TlsContext::choose_certificate(SSL* session, int*, void* self) {
  auto* context = static_cast<TlsContext*>(self);
  const char* asked = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  std::string name(asked);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  auto found = context->by_name_.find(name);
  if (found == context->by_name_.end()) {
    Context made;
    if (const auto pem = context->certificate_for_(name)) {
      auto built = server_context(*pem, name);
      if (built) {
        made = std::move(*built);
      } else {
        log::warning("http", "{}", built.error().message);
      }
    }
    // Sessions under way hold their own references.
    if (context->by_name_.size() >= kNamesLimit) context->by_name_.clear();
    found = context->by_name_.emplace(std::move(name), std::move(made)).first;
  }
  if (found->second) SSL_set_SSL_CTX(session, found->second.get());
  return SSL_TLSEXT_ERR_OK;
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate_file,
                                                       const std::string& key_file,
                                                       CertificateFor certificate_for) {
  LF_TRY(certificate, io::read_file(certificate_file));
  LF_TRY(key, io::read_file(key_file));
  LF_TRY(context, server_context({certificate, key}, certificate_file));
  std::shared_ptr<TlsContext> out(new TlsContext(std::move(context)));
  if (certificate_for) {
    out->certificate_for_ = std::move(certificate_for);
    SSL_CTX_set_tlsext_servername_callback(out->context_.get(), choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(out->context_.get(), out.get());
  }
  return out;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> out(new TlsContext(Context(SSL_CTX_new(TLS_client_method()))));
  SSL_CTX* context = out->context_.get();
  if (context == nullptr) return std::unexpected(tls_error("TLS context"));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context)
                                     : SSL_CTX_load_verify_file(context, ca_file.c_str());
  if (loaded != 1) return std::unexpected(tls_error("certificate authority " + ca_file));
  return out;
}

Result<TlsSession> TlsContext::accepting(int fd) const {
  TlsSession session(SSL_new(context_.get()));
  if (!session || SSL_set_fd(session.get(), fd) != 1)
    return std::unexpected(tls_error("TLS session"));
  SSL_set_accept_state(session.get());
  return session;
}

Result<TlsSession> TlsContext::connecting(int fd, const std::string& host) const {
  TlsSession session(SSL_new(context_.get()));
  if (!session || SSL_set_fd(session.get(), fd) != 1)
    return std::unexpected(tls_error("TLS session"));
  SSL_set_connect_state(session.get());
  const bool named =
      is_address(host)
          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str()) == 1
          : SSL_set1_host(session.get(), host.c_str()) == 1 &&
                SSL_set_tlsext_host_name(session.get(), host.c_str()) == 1;
  if (!named) return std::unexpected(tls_error("TLS host name " + host));
  return session;
}

}  // namespace landfall::http
