#include "io/net.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include "io/files.h"
#include "io/net_asio.h"
#include "io/shared_ports.h"

namespace landfall::io {
namespace {

thread_local int shared_ports = 0;

}  // namespace

SharedPorts::SharedPorts() { ++shared_ports; }
SharedPorts::~SharedPorts() { --shared_ports; }
bool SharedPorts::wanted() { return shared_ports > 0; }

namespace {

using asio::ip::tcp;
using asio::ip::udp;

template <class AsioEndpoint>
Endpoint from_asio(const AsioEndpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

template <class AsioEndpoint>
Result<AsioEndpoint> to_asio(const Endpoint& endpoint) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.address, error);
  if (error)
    return fail("invalid-address", fmt::format("'{}' is not an address", endpoint.address));
  return AsioEndpoint(address, endpoint.port);
}

Result<Fd> open_socket(int family, int type, const std::string& namespace_path) {
  Fd fd;
  LF_OK(in_network_namespace(namespace_path, [&]() -> Result<void> {
    fd = Fd(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("socket", errno);
    return {};
  }));
  return fd;
}

// Makes, binds and (for streams) listens, inside the namespace.
template <class Protocol>
Result<Fd> open_bound(const typename Protocol::endpoint& at, const std::string& namespace_path) {
  const int type = std::is_same_v<Protocol, tcp> ? SOCK_STREAM : SOCK_DGRAM;
  LF_TRY(fd, open_socket(at.protocol().family(), type, namespace_path));
  const int on = 1;
  if (setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
    return fail_errno("SO_REUSEADDR", errno);
  }
  if (SharedPorts::wanted() && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) {
    return fail_errno("SO_REUSEPORT", errno);
  }
  if (::bind(fd.get(), at.data(), socklen_t(at.size())) < 0 ||
      (type == SOCK_STREAM && ::listen(fd.get(), 1024) < 0)) {
    const int error = errno;
    const std::string where = from_asio(at).str();
    if (error == EADDRINUSE) {
      return fail("address-in-use", fmt::format("{} is in use by another program", where), 500);
    }
    return fail_errno("listen on " + where, error);
  }
  return std::move(fd);
}

}  // namespace

std::string Endpoint::str() const {
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address, v6 ? "]" : "", port);
}

Result<void> in_network_namespace(const std::string& namespace_path,
                                  const std::function<Result<void>()>& work) {
  if (namespace_path.empty()) return work();
  const Fd home(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!home) return fail_errno("open own network namespace", errno);
  const Fd target(::open(namespace_path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!target) return fail_errno("open " + namespace_path, errno);
  if (::setns(target.get(), CLONE_NEWNET) < 0) return fail_errno("enter " + namespace_path, errno);
  auto result = work();
  // Going on in the wrong namespace would open the wrong sockets from here on.
  CHECK(::setns(home.get(), CLONE_NEWNET) == 0);
  return result;
}

TcpStream::TcpStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpStream::TcpStream(TcpStream&&) noexcept = default;
TcpStream& TcpStream::operator=(TcpStream&&) noexcept = default;
TcpStream::~TcpStream() = default;

task<Result<std::size_t>> TcpStream::read_some(std::span<char> buffer) {
  auto [error, count] = co_await asio_await<std::size_t>(impl_->loop, [&](auto done) {
    impl_->socket.async_read_some(asio::buffer(buffer.data(), buffer.size()), std::move(done));
  });
  if (error == asio::error::eof) co_return 0;
  if (error) co_return std::unexpected(to_error("read", error));
  co_return count;
}

task<Result<void>> TcpStream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    auto [error, count] = co_await asio_await<std::size_t>(impl_->loop, [&](auto done) {
      impl_->socket.async_write_some(asio::buffer(bytes.data(), bytes.size()), std::move(done));
    });
    if (error) co_return std::unexpected(to_error("write", error));
    bytes.remove_prefix(count);
  }
  co_return Result<void>();
}

Endpoint TcpStream::remote() const {
  boost::system::error_code error;
  return from_asio(impl_->socket.remote_endpoint(error));
}
Endpoint TcpStream::local() const {
  boost::system::error_code error;
  return from_asio(impl_->socket.local_endpoint(error));
}
void TcpStream::close() {
  boost::system::error_code ignored;
  impl_->socket.close(ignored);
}

struct TcpListener::Impl {
  Loop& loop;
  tcp::acceptor acceptor;
};

TcpListener::TcpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TcpListener::TcpListener(TcpListener&&) noexcept = default;
TcpListener::~TcpListener() = default;

Result<TcpListener> TcpListener::listen(Loop& loop, Endpoint at,
                                        const std::string& namespace_path) {
  LF_TRY(endpoint, to_asio<tcp::endpoint>(at));
  LF_TRY(fd, open_bound<tcp>(endpoint, namespace_path));
  auto impl = std::make_unique<Impl>(loop, tcp::acceptor(loop.impl().context));
  impl->acceptor.assign(endpoint.protocol(), fd.release());
  return TcpListener(std::move(impl));
}

task<Result<TcpStream>> TcpListener::accept() {
  tcp::socket socket(impl_->loop.impl().context);
  auto [error, none] = co_await asio_await<std::monostate>(
      impl_->loop, [&](auto done) { impl_->acceptor.async_accept(socket, std::move(done)); });
  if (error) co_return std::unexpected(to_error("accept", error));
  socket.set_option(tcp::no_delay(true), error);
  co_return TcpStream(std::make_unique<TcpStream::Impl>(impl_->loop, std::move(socket)));
}

Endpoint TcpListener::local() const {
  boost::system::error_code error;
  return from_asio(impl_->acceptor.local_endpoint(error));
}
void TcpListener::close() {
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

namespace {

task<Result<TcpStream>> connect_now(Loop& loop, Endpoint to, std::string namespace_path) {
  LF_CO_TRY(endpoint, to_asio<tcp::endpoint>(to));
  LF_CO_TRY(fd, open_socket(endpoint.protocol().family(), SOCK_STREAM, namespace_path));
  tcp::socket socket(loop.impl().context);
  socket.assign(endpoint.protocol(), fd.release());
  auto [error, none] = co_await asio_await<std::monostate>(
      loop, [&](auto done) { socket.async_connect(endpoint, std::move(done)); });
  if (error) co_return std::unexpected(to_error("connect to " + to.str(), error));
  socket.set_option(tcp::no_delay(true), error);
  co_return TcpStream(std::make_unique<TcpStream::Impl>(loop, std::move(socket)));
}

}  // namespace

task<Result<TcpStream>> connect(Loop& loop, Endpoint to, Millis timeout,
                                std::string namespace_path) {
  co_return co_await with_timeout(loop, timeout,
                                  connect_now(loop, std::move(to), std::move(namespace_path)));
}

struct UdpSocket::Impl {
  Loop& loop;
  udp::socket socket;
};

UdpSocket::UdpSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

Result<UdpSocket> UdpSocket::bind(Loop& loop, Endpoint at, const std::string& namespace_path) {
  LF_TRY(endpoint, to_asio<udp::endpoint>(at));
  LF_TRY(fd, open_bound<udp>(endpoint, namespace_path));
  auto impl = std::make_unique<Impl>(loop, udp::socket(loop.impl().context));
  impl->socket.assign(endpoint.protocol(), fd.release());
  return UdpSocket(std::move(impl));
}

task<Result<Datagram>> UdpSocket::receive() {
  Datagram datagram;
  datagram.bytes.resize(64 << 10);
  udp::endpoint peer;
  auto [error, count] = co_await asio_await<std::size_t>(impl_->loop, [&](auto done) {
    impl_->socket.async_receive_from(asio::buffer(datagram.bytes), peer, std::move(done));
  });
  if (error) co_return std::unexpected(to_error("receive", error));
  datagram.bytes.resize(count);
  datagram.peer = from_asio(peer);
  co_return datagram;
}

task<Result<void>> UdpSocket::send(Datagram datagram) {
  LF_CO_TRY(peer, to_asio<udp::endpoint>(datagram.peer));
  auto [error, count] = co_await asio_await<std::size_t>(impl_->loop, [&](auto done) {
    impl_->socket.async_send_to(asio::buffer(datagram.bytes), peer, std::move(done));
  });
  if (error) co_return std::unexpected(to_error("send", error));
  co_return Result<void>();
}

Endpoint UdpSocket::local() const {
  boost::system::error_code error;
  return from_asio(impl_->socket.local_endpoint(error));
}

}  // namespace landfall::io
