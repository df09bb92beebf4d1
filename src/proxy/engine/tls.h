// TLS over bytes: no descriptor, no buffers of its own between records. The stream reads and writes
// the socket; what arrives in one read is decrypted in one go, and what is to be sent becomes one
// write.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config.h"
#include "proxy/engine/client_certificate.h"

typedef struct ssl_st SSL;

namespace landfall::proxy {

class TlsContexts;

class TlsSession {
 public:
  // Takes `ssl`. `contexts` is what it was made from: OpenSSL keeps the context alive, but not
  // what that refers to, and a connection may outlive the configuration it began with.
  explicit TlsSession(SSL* ssl, std::shared_ptr<const TlsContexts> contexts = nullptr);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;

  // done: finished. more: wants further bytes (or, decrypting, the peer said that it ends).
  enum class Step : std::uint8_t { done, more, broken };

  // The handshake. `used` of `cipher` belong to it; answers are appended to `out`.
  Step advance(std::string_view cipher, std::size_t& used, std::string& out);
  bool established() const { return established_; }

  Step decrypt(std::string_view cipher, char* out, std::size_t size, std::size_t& got);
  bool encrypt(std::string_view plain, std::string& out);
  void close_notify(std::string& out);

  std::string_view version() const;      // "TLSv1.3"
  std::string_view cipher() const;       // "TLS_AES_128_GCM_SHA256", in OpenSSL's words
  std::string_view server_name() const;  // by SNI; empty: none
  bool http2() const;                    // what ALPN agreed on
  bool resumed() const;
  // What the client showed, also when it was refused; null: nothing.
  const ClientCertificate* client_certificate() const { return certificate_.get(); }
  void set_client_certificate(std::unique_ptr<const ClientCertificate> shown) {
    certificate_ = std::move(shown);
  }
  // Why the handshake failed, as the connection log names it.
  std::string_view failure() const;
  SSL* ssl() const { return ssl_; }

  // For the callbacks of the byte stream below.
  std::string_view input;
  std::string* output = nullptr;

 private:
  std::shared_ptr<const TlsContexts> contexts_;
  SSL* ssl_;
  bool established_ = false;
  bool certificate_too_large_ = false;
  std::unique_ptr<const ClientCertificate> certificate_;
};

// The contexts of one listener: its certificates, chosen by name.
class TlsContexts : public std::enable_shared_from_this<TlsContexts> {
 public:
  // Errors: "certificate-invalid", "tls-settings-invalid", "trust-store-invalid".
  static Result<std::shared_ptr<TlsContexts>> open(const TlsSettings& settings, bool http2,
                                                   const MutualTls& mutual = {});
  ~TlsContexts();

  std::unique_ptr<TlsSession> accept() const;
  // The id of the certificate that the session was served with.
  static std::string_view certificate_id(const TlsSession& session);

  struct Entry;
  const Entry& choose(std::string_view name, bool takes_ecdsa) const;

 private:
  TlsContexts();
  std::vector<std::unique_ptr<Entry>> entries_;
};

// For connections to targets, whose certificates are not checked, as with AWS. `http2`: asks for
// it.
std::unique_ptr<TlsSession> connect_tls(bool http2);

}  // namespace landfall::proxy
