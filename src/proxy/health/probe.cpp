#include "proxy/health/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "proxy/engine/tls.h"
#include "proxy/health/http2_check.h"
#include "proxy/http1/head.h"
#include "proxy/rules/address.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kReceiveLimit = 64 << 10;

void set_port(sockaddr_storage& address, std::uint16_t port) {
  if (address.ss_family == AF_INET) {
    reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(port);
  }
}

}  // namespace

Probe::Probe(const ProbeSpec& spec, const TargetState& target, NamespaceVisitor& visitor)
    : spec_(spec) {
  sockaddr_storage address = target.address;
  const std::uint16_t port = spec.check.port != 0 ? spec.check.port : target.port;
  set_port(address, port);
  const PeerAddress peer = PeerAddress::of(address);
  host_ =
      fmt::format("{}{}{}:{}", peer.is_v4() ? "" : "[", peer.str(), peer.is_v4() ? "" : "]", port);
  // docs: target-group-health-checks, "User-Agent: ELB-HealthChecker/2.0"
  request_ = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n"
      "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n",
      spec.check.path, host_);
  if (!visitor.enter(spec.from)) {
    finish({CheckResult::Kind::not_begun});
    return;
  }
  fd_ = io::Fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) {
    finish({CheckResult::Kind::not_begun});
    return;
  }
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), target.address_size) < 0 &&
      errno != EINPROGRESS) {
    finish({CheckResult::Kind::failed});
    return;
  }
  if (spec.check.protocol == Protocol::https || spec.check.protocol == Protocol::tls)
    tls_ = connect_tls(speaks_http2());
}

Probe::~Probe() {
  if (!fd_) return;
  // The answer may not have been read to its end: no waiting for its remains.
  const linger hard{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void Probe::finish(CheckResult result) {
  done_ = true;
  result_ = result;
}

void Probe::time_out() {
  if (!done_) finish({CheckResult::Kind::timed_out});
}

bool Probe::send(std::string_view bytes) {
  // A few hundred bytes on a fresh connection always fit.
  return bytes.empty() || ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                              static_cast<ssize_t>(bytes.size());
}

void Probe::opened() {
  if (spec_.check.protocol == Protocol::tcp || spec_.check.protocol == Protocol::tls)
    return finish({CheckResult::Kind::passed});
  if (speaks_http2()) {
    const bool secure = tls_ != nullptr;
    if (secure && !tls_->http2()) return finish({CheckResult::Kind::failed});
    http2_ = std::make_unique<Http2Check>(spec_.check.path, host_, secure,
                                          spec_.version == ProtocolVersion::grpc);
    request_ = http2_->output();
  }
  if (!send_plain(request_)) finish({CheckResult::Kind::failed});
}

bool Probe::speaks_http2() const {
  return spec_.version != ProtocolVersion::http1 &&
         (spec_.check.protocol == Protocol::http || spec_.check.protocol == Protocol::https);
}

bool Probe::send_plain(std::string_view bytes) {
  if (!tls_) return send(bytes);
  std::string cipher;
  return tls_->encrypt(bytes, cipher) && send(cipher);
}

void Probe::on_events(std::uint32_t events) {
  if (done_) return;
  if (!connected_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return finish({CheckResult::Kind::failed});
    connected_ = true;
    if (tls_) {
      std::string hello;
      std::size_t used = 0;
      if (tls_->advance({}, used, hello) == TlsSession::Step::broken || !send(hello))
        return finish({CheckResult::Kind::failed});
    } else {
      opened();
    }
  }
  if (!done_ && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) receive();
}

void Probe::receive() {
  char buffer[16384];
  while (!done_) {
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) return finish({CheckResult::Kind::failed});
    std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (!tls_) {
      take(bytes);
      continue;
    }
    if (!tls_->established()) {
      std::string answer;
      std::size_t used = 0;
      const TlsSession::Step step = tls_->advance(bytes, used, answer);
      if (!send(answer) || step == TlsSession::Step::broken)
        return finish({CheckResult::Kind::failed});
      if (step == TlsSession::Step::more) continue;
      opened();
      bytes.remove_prefix(used);
    }
    char plain[32768];
    std::size_t count = 0;
    const TlsSession::Step step = tls_->decrypt(bytes, plain, sizeof plain, count);
    take({plain, count});
    if (step != TlsSession::Step::done && !done_) finish({CheckResult::Kind::failed});
  }
}

void Probe::take_http2(std::string_view bytes) {
  const bool understood = http2_->take(bytes);
  const std::string answer = http2_->output();
  if (!http2_->done()) {
    if (!understood || (!answer.empty() && !send_plain(answer)))
      finish({CheckResult::Kind::failed});
    return;
  }
  const bool grpc = spec_.version == ProtocolVersion::grpc;
  const int code = grpc ? http2_->grpc_status() : http2_->status();
  if (code < 0 || http2_->status() == 0) return finish({CheckResult::Kind::failed});
  if (spec_.matcher.matches(code)) return finish({CheckResult::Kind::passed, code});
  finish({CheckResult::Kind::code_mismatch, code});
}

void Probe::take(std::string_view bytes) {
  if (http2_) {
    if (!bytes.empty()) take_http2(bytes);
    return;
  }
  received_.append(bytes);
  http1::ResponseHead head;
  while (true) {
    switch (http1::parse_response(received_, head)) {
      case http1::Parsed::incomplete:
        if (received_.size() > kReceiveLimit) finish({CheckResult::Kind::failed});
        return;
      case http1::Parsed::refused:
        return finish({CheckResult::Kind::failed});
      case http1::Parsed::complete:
        break;
    }
    if (head.status >= 200) break;
    received_.erase(0, head.size);
  }
  if (spec_.matcher.matches(head.status)) return finish({CheckResult::Kind::passed, head.status});
  finish({CheckResult::Kind::code_mismatch, head.status});
}

}  // namespace landfall::proxy
