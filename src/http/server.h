// HTTP/1.1 server. One port speaks both plain HTTP and TLS: the first byte of a connection tells
// which.
#pragma once

#include <functional>
#include <memory>

#include "http/message.h"
#include "io/loop.h"

namespace landfall::http {

// Reads a request's body piece by piece. "Expect: 100-continue" is answered at the first read, so a
// handler that refuses early never makes the client send the body.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece, at most 256 KiB; empty at the end. Errors: "body-too-large" is never raised
  // here, "connection-lost", "timeout", "malformed-body".
  virtual task<Result<std::string>> read() = 0;
  // Content-Length, when the client said one.
  virtual std::optional<std::uint64_t> length() const = 0;
  // The whole body. Error "body-too-large" (413) past `limit`.
  task<Result<std::string>> read_all(std::size_t limit);
};

// A connection that has left HTTP: bytes in both directions, which may be under way at the same
// time.
class Duplex {
 public:
  virtual ~Duplex() = default;
  // Whatever has come; empty at the end. Errors: "connection-lost".
  virtual task<Result<std::string>> receive() = 0;
  virtual task<Result<void>> transmit(std::string_view bytes) = 0;
};

class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  // A complete response with Content-Length. For HEAD the body's length is announced and the body
  // left out; a "Content-Length" header set by the handler wins (HEAD of a large object).
  virtual task<Result<void>> send(Response response) = 0;
  // A streamed response: chunked unless the headers say Content-Length.
  virtual task<Result<void>> start(Response head) = 0;
  virtual task<Result<void>> write(std::string_view bytes) = 0;
  virtual task<Result<void>> finish() = 0;
  // "101 Switching Protocols" with these headers. What follows on the connection is the handler's;
  // it ends when the handler returns. Valid until then.
  virtual task<Result<Duplex*>> upgrade(Headers headers) = 0;
  virtual bool started() const = 0;
};

// What answers requests. A handler that throws or returns without answering gets a 500 sent for it.
// References live until the returned task has ended.
using Handler = std::function<task<void>(Request, BodyReader&, ResponseWriter&)>;

// A certificate (with its chain, leaf first) and its key.
struct CertificatePem {
  std::string certificate;
  std::string key;
};

struct ServerOptions {
  std::size_t header_limit = 64 << 10;
  Millis header_timeout =
      std::chrono::seconds(30);  // from the first byte of a request to the end of its head
  Millis idle_timeout = std::chrono::seconds(75);  // between requests
  Millis body_timeout =
      std::chrono::seconds(60);  // between two pieces of a body, in either direction
  std::size_t connection_limit = 10'000;
  // PEM files; both empty: TLS connections are refused.
  std::string certificate_file;
  std::string key_file;
  // Asked with the name (lower case) a TLS client says it wants; nothing means the files above.
  // Must not block for long; answers are remembered until reload_certificate().
  std::function<std::optional<CertificatePem>(const std::string& server_name)> certificate_for;
};

class Server {
 public:
  Server(io::Loop& loop, Handler handler, ServerOptions options);
  ~Server();
  // May be called several times: every address serves the same handler. namespace_path as in
  // TcpListener::listen.
  Result<io::Endpoint> listen(io::Endpoint at, const std::string& namespace_path = {});
  // Stops listening on one address given to listen() before, and its connections.
  void unlisten(const io::Endpoint& at, const std::string& namespace_path = {});
  // Reads certificate_file and key_file again; connections made from now on use them.
  Result<void> reload_certificate();
  // Stops accepting, lets requests under way finish for `grace`, then cuts them.
  task<void> stop(Millis grace = std::chrono::seconds(2));

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace landfall::http
