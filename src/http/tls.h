// TLS by OpenSSL, straight on a non-blocking socket.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/server.h"

struct ssl_ctx_st;
struct ssl_st;

namespace landfall::http {

struct TlsFree {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsFree>;

// What connections share. Immutable: a new certificate means a new context; sessions keep theirs.
class TlsContext {
 public:
  using CertificateFor = std::function<std::optional<CertificatePem>(const std::string&)>;
  // The files may hold a chain. certificate_for: see ServerOptions; may be empty. The context must
  // outlive the handshakes of its sessions.
  static Result<std::shared_ptr<TlsContext>> server(const std::string& certificate_file,
                                                    const std::string& key_file,
                                                    CertificateFor certificate_for);
  // ca_file empty: the system's certificates.
  static Result<std::shared_ptr<TlsContext>> client(const std::string& ca_file);

  Result<TlsSession> accepting(int fd) const;
  // Verifies that the certificate is for `host` (name or address).
  Result<TlsSession> connecting(int fd, const std::string& host) const;

 private:
  using Context = std::unique_ptr<ssl_ctx_st, TlsFree>;
  explicit TlsContext(Context context) : context_(std::move(context)) {}
  static Result<Context> server_context(const CertificatePem& pem, std::string_view what);
  static int choose_certificate(ssl_st* session, int* alert, void* self);

  Context context_;
  CertificateFor certificate_for_;
  std::map<std::string, Context, std::less<>> by_name_;  // null: the default one
};

// The error OpenSSL noted last, with code "tls-failed".
Error tls_error(std::string_view what);

}  // namespace landfall::http
