#include "http/client.h"

#include <netdb.h>
#include <sys/socket.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "http/parse.h"
#include "http/stream.h"

namespace landfall::http {
namespace {

struct Target {
  bool tls = false;
  std::string host;  // without brackets
  std::uint16_t port = 0;
  std::string authority;  // for the Host header
  std::string target;
};

Result<Target> parse_url(const std::string& text) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") ||
      parsed->host().empty() || parsed->has_userinfo()) {
    return fail("invalid-url", fmt::format("'{}' is not an http or https URL", text));
  }
  Target out;
  out.tls = parsed->scheme() == "https";
  out.host = parsed->host_address();
  out.port = parsed->has_port() ? parsed->port_number() : std::uint16_t(out.tls ? 443 : 80);
  if (out.port == 0) return fail("invalid-url", fmt::format("'{}' has no valid port", text));
  out.authority = std::string(parsed->encoded_host());
  if (parsed->has_port()) out.authority += fmt::format(":{}", out.port);
  out.target = std::string(parsed->encoded_path());
  if (out.target.empty()) out.target = "/";
  if (parsed->has_query()) out.target += "?" + std::string(parsed->encoded_query());
  return out;
}

Result<std::vector<io::Endpoint>> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return fail("name-unknown", fmt::format("{}: {}", host, ::gai_strerror(error)), 500);
  }
  std::vector<io::Endpoint> out;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0) {
      out.push_back({text, port});
    }
  }
  ::freeaddrinfo(found);
  return out;
}

task<Result<Stream>> connect_stream(io::Loop& loop, io::Endpoint to,
                                    std::string network_namespace) {
  LF_CO_TRY(fd, connecting_socket(to, network_namespace));
  const int raw = fd.get();
  {
    Pollable pending(loop, io::Fd(::dup(raw)));
    co_await pending.writable();
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(raw, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) co_return fail_errno("connect to " + to.str(), error);
  co_return Stream(loop, std::move(fd));
}

task<Result<Stream>> connect_any(io::Loop& loop, std::string host, std::uint16_t port,
                                 std::string network_namespace) {
  LF_CO_TRY(endpoints, co_await loop.run_blocking([host, port] { return resolve(host, port); }));
  Error last{"name-unknown", host + " has no address", 500};
  for (const io::Endpoint& endpoint : endpoints) {
    auto stream = co_await connect_stream(loop, endpoint, network_namespace);
    if (stream) co_return std::move(*stream);
    last = std::move(stream).error();
  }
  co_return std::unexpected(std::move(last));
}

task<Result<void>> read_body(Stream& stream, std::string& pending, Framing framing,
                             std::size_t limit, std::string& body) {
  const auto too_large = [&] {
    return fail("body-too-large", fmt::format("the answer is larger than {} bytes", limit), 500);
  };
  if (framing.kind == Framing::Kind::none) co_return Result<void>();
  if (framing.kind == Framing::Kind::length && framing.length > limit) co_return too_large();
  ChunkedDecoder chunks;
  while (true) {
    if (framing.kind == Framing::Kind::chunked) {
      std::size_t used = 0;
      if (!chunks.decode(pending, body, used))
        co_return fail("malformed-response", "malformed chunked answer", 500);
    } else {
      body += pending;
    }
    if (body.size() > limit) co_return too_large();
    if (chunks.done()) co_return Result<void>();
    if (framing.kind == Framing::Kind::length && body.size() >= framing.length) {
      body.resize(static_cast<std::size_t>(framing.length));
      co_return Result<void>();
    }
    LF_CO_TRY(piece, co_await stream.read_piece(64 << 10));
    if (piece.empty()) {
      if (framing.kind == Framing::Kind::until_close) co_return Result<void>();
      co_return fail("connection-lost", "the answer ended early", 500);
    }
    pending = std::move(piece);
  }
}

task<Result<Response>> exchange(io::Loop& loop, std::string method, Target to, Headers headers,
                                std::string body, ClientOptions options) {
  LF_CO_TRY(stream, co_await connect_any(loop, to.host, to.port, options.network_namespace));
  if (to.tls) {
    std::shared_ptr<const TlsContext> context = options.tls;
    if (!context) {
      LF_CO_TRY(made, TlsContext::client(options.ca_file));
      context = made;
    }
    LF_CO_TRY(session, context->connecting(stream.fd(), to.host));
    LF_CO_OK(co_await stream.handshake(std::move(session)));
  }
  std::string head = fmt::format("{} {} HTTP/1.1\r\n", method, to.target);
  if (!headers.has("Host")) head += fmt::format("Host: {}\r\n", to.authority);
  for (const auto& [name, value] : headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!headers.has("Content-Length") && (!body.empty() || (method != "GET" && method != "HEAD"))) {
    head += fmt::format("Content-Length: {}\r\n", body.size());
  }
  head += "Connection: close\r\n\r\n";
  // A server may answer and close before it has read everything: its answer still counts.
  const auto sent = co_await stream.write_all(head, body);

  std::string pending;
  while (true) {
    const std::size_t end = find_head_end(pending);
    if (end == std::string::npos) {
      if (pending.size() > 256 << 10)
        co_return fail("malformed-response", "the answer's head is too large", 500);
      auto piece = co_await stream.read_piece(64 << 10);
      if (!piece || piece->empty()) {
        if (!sent) co_return std::unexpected(sent.error());
        if (!piece) co_return std::unexpected(std::move(piece).error());
        co_return fail("connection-lost", "the server closed without an answer", 500);
      }
      pending += *piece;
      continue;
    }
    auto parsed = parse_response_head(std::string_view(pending).substr(0, end), method);
    if (!parsed) co_return fail("malformed-response", parsed.error().reason, 500);
    pending.erase(0, end);
    if (parsed->response.status < 200) continue;  // "100 Continue" and the like
    Response response = std::move(parsed->response);
    LF_CO_OK(
        co_await read_body(stream, pending, parsed->framing, options.body_limit, response.body));
    co_return response;
  }
}

}  // namespace

task<Result<Response>> request(io::Loop& loop, std::string method, std::string url, Headers headers,
                               std::string body, ClientOptions options) {
  LF_CO_TRY(target, parse_url(url));
  const Millis timeout = options.timeout;
  co_return co_await io::with_timeout(
      loop, timeout,
      exchange(loop, std::move(method), std::move(target), std::move(headers), std::move(body),
               std::move(options)));
}

}  // namespace landfall::http
