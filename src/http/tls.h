// TLS by OpenSSL, straight on a non-blocking socket.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

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
  // PEM files; the certificate file may hold the chain.
  static Result<std::shared_ptr<TlsContext>> server(const std::string& certificate_file,
                                                    const std::string& key_file);
  // ca_file empty: the system's certificates.
  static Result<std::shared_ptr<TlsContext>> client(const std::string& ca_file);

  Result<TlsSession> accepting(int fd) const;
  // Verifies that the certificate is for `host` (name or address).
  Result<TlsSession> connecting(int fd, const std::string& host) const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  std::unique_ptr<ssl_ctx_st, TlsFree> context_;
};

// The error OpenSSL noted last, with code "tls-failed".
Error tls_error(std::string_view what);

}  // namespace landfall::http
