// HTTP/1.1 client for plain and TLS servers; one connection a call. Used towards webhooks,
// registries and in tests.
#pragma once

#include "http/message.h"
#include "io/loop.h"

namespace landfall::http {

class TlsContext;

struct ClientOptions {
  Millis timeout = std::chrono::seconds(30);
  std::size_t body_limit = 64 << 20;
  std::string ca_file;            // empty: the system's certificates
  std::string network_namespace;  // connect from inside this namespace
  // In place of `ca_file`, for those who call often: reading authorities takes long.
  std::shared_ptr<const TlsContext> tls = nullptr;
};

// url: "http://host[:port]/path?query" or https. Host names are resolved with the system's resolver
// on the blocking pool. Errors: "invalid-url", "timeout", "body-too-large", errno-*, "tls-...".
task<Result<Response>> request(io::Loop& loop, std::string method, std::string url, Headers headers,
                               std::string body, ClientOptions options);

}  // namespace landfall::http
