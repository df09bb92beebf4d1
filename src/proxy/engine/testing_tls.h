// For tests: certificates, and a client that speaks TLS by OpenSSL itself.
#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

// Self-signed, for the names given.
inline Certificate make_certificate(const std::string& id, const std::string& names,
                                    bool rsa = false) {
  EVP_PKEY* key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(id.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, key, EVP_sha256());
  Certificate out{.id = id};
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  out.chain_pem = text_of(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  out.key_pem = text_of(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

// A client that speaks TLS over a test socket.
class TlsClient {
 public:
  TlsClient(Socket socket, const std::string& name, int version = TLS1_3_VERSION,
            SSL_SESSION* session = nullptr, const char* signatures = nullptr, bool http2 = false,
            const Certificate* shown = nullptr)
      : socket_(std::move(socket)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
    if (signatures != nullptr) SSL_CTX_set1_sigalgs_list(context_, signatures);
    if (shown != nullptr) show(*shown);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_.fd());
    if (!name.empty()) SSL_set_tlsext_host_name(ssl_, name.c_str());
    if (session != nullptr) SSL_set_session(ssl_, session);
    if (http2) SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    connected = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      ASSERT_GT(sent, 0);
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // The peer may have refused us.
  void try_send(std::string_view bytes) {
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string read(std::size_t size) {
    std::string out(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const int count = SSL_read(ssl_, out.data() + got, static_cast<int>(size - got));
      if (count <= 0) break;
      got += static_cast<std::size_t>(count);
    }
    out.resize(got);
    return out;
  }
  // What there is, at least one byte; empty at the end.
  std::string read_some() {
    std::string out(65536, '\0');
    const int count = SSL_read(ssl_, out.data(), static_cast<int>(out.size()));
    out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return out;
  }
  std::string read_head() {
    std::string out;
    while (!out.ends_with("\r\n\r\n")) {
      const std::string one = read(1);
      if (one.empty()) break;
      out += one;
    }
    return out;
  }
  std::string common_name() const {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    char text[100] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text,
                              sizeof text);
    X509_free(certificate);
    return text;
  }
  // The names of authorities that the server asked for.
  std::vector<std::string> authorities() const {
    std::vector<std::string> out;
    const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl_);
    for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
      char text[100] = {};
      X509_NAME_get_text_by_NID(sk_X509_NAME_value(names, i), NID_commonName, text, sizeof text);
      out.emplace_back(text);
    }
    return out;
  }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  SSL_SESSION* session() { return SSL_get1_session(ssl_); }
  bool connected = false;

 private:
  void show(const Certificate& certificate) {
    BIO* bio = BIO_new_mem_buf(certificate.chain_pem.data(), -1);
    X509* leaf = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context_, leaf);
    X509_free(leaf);
    while (X509* next = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr))
      SSL_CTX_add0_chain_cert(context_, next);
    BIO_free(bio);
    bio = BIO_new_mem_buf(certificate.key_pem.data(), -1);
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
  }

  Socket socket_;
  SSL_CTX* context_;
  SSL* ssl_;
};

}  // namespace landfall::proxy::testing
