// Certificates that clients show: asked for, verified against the listener's authorities, and told
// to targets.
// docs: mutual-authentication, load-balancer-connection-logs
#pragma once

#include <string>
#include <string_view>

#include "proxy/config.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace landfall::proxy {

// What targets and logs are told of a client's certificate.
struct ClientCertificate {
  std::string subject, issuer;  // RFC 2253
  std::string serial_number;    // hexadecimal
  std::string validity;         // "NotBefore=2023-09-21T01:50:17Z;NotAfter=..."
  std::string leaf;             // PEM, URL-encoded; verify
  std::string chain;            // PEM, URL-encoded, leaf first; passthrough
  // Why the connection was refused, as the connection log names it; empty: it was not.
  std::string_view failure;
};

// The certificates that a listener trusts and those that are revoked. Error
// "trust-store-invalid".
Result<void> ask_for_certificates(SSL_CTX* context, const MutualTls& settings);

}  // namespace landfall::proxy
