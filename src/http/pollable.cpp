#include "http/pollable.h"

#include <sys/socket.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/asio.h"

namespace landfall::http {

namespace asio = io::asio;

struct Pollable::Impl : std::enable_shared_from_this<Impl> {
  Impl(io::Loop& loop, int fd) : context(loop.impl().context), descriptor(context, fd) {}

  // May be called by another thread, and after the wait has ended.
  void cancel() {
    if (context.get_executor().running_in_this_thread()) {
      boost::system::error_code ignored;
      descriptor.cancel(ignored);
    } else {
      asio::post(context, [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->cancel();
      });
    }
  }

  asio::io_context& context;
  asio::posix::stream_descriptor descriptor;
};

namespace {

template <class Impl>
class Wait {
 public:
  using Type = asio::posix::stream_descriptor::wait_type;
  Wait(std::shared_ptr<Impl> impl, Type type) : impl_(std::move(impl)), type_(type) {}
  bool await_ready() noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> handle) {
    stop_ = handle.promise().stop;
    if (stop_.stop_requested()) return false;
    handle_ = handle;
    callback_.emplace(stop_, Cancel{impl_.get()});
    impl_->descriptor.async_wait(type_, [this](const boost::system::error_code&) {
      callback_.reset();
      handle_.resume();
    });
    return true;
  }
  void await_resume() {
    if (stop_.stop_requested()) throw io::Cancelled();
  }

 private:
  struct Cancel {
    Impl* impl;
    void operator()() const { impl->cancel(); }
  };
  std::shared_ptr<Impl> impl_;
  Type type_;
  std::stop_token stop_;
  std::coroutine_handle<> handle_;
  std::optional<std::stop_callback<Cancel>> callback_;
};

Result<asio::ip::tcp::endpoint> to_asio(const io::Endpoint& endpoint) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.address, error);
  if (error)
    return fail("invalid-address", fmt::format("'{}' is not an address", endpoint.address));
  return asio::ip::tcp::endpoint(address, endpoint.port);
}

Result<io::Fd> stream_socket(int family, const std::string& namespace_path) {
  io::Fd fd;
  LF_OK(io::in_network_namespace(namespace_path, [&]() -> Result<void> {
    fd = io::Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail_errno("socket", errno);
    return {};
  }));
  return fd;
}

io::Endpoint from_asio(const asio::ip::tcp::endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

}  // namespace

Pollable::Pollable(io::Loop& loop, io::Fd fd) : impl_(std::make_shared<Impl>(loop, fd.release())) {}
Pollable::Pollable(Pollable&&) noexcept = default;
Pollable& Pollable::operator=(Pollable&&) noexcept = default;
Pollable::~Pollable() {
  if (impl_) close();
}

task<void> Pollable::readable() { co_await Wait(impl_, asio::posix::stream_descriptor::wait_read); }
task<void> Pollable::writable() {
  co_await Wait(impl_, asio::posix::stream_descriptor::wait_write);
}

int Pollable::fd() const {
  return impl_->descriptor.is_open() ? impl_->descriptor.native_handle() : -1;
}

void Pollable::shutdown() {
  if (impl_->descriptor.is_open()) ::shutdown(impl_->descriptor.native_handle(), SHUT_RDWR);
}

void Pollable::close() {
  boost::system::error_code ignored;
  impl_->descriptor.close(ignored);
}

Result<io::Fd> listen_socket(const io::Endpoint& at, const std::string& namespace_path) {
  LF_TRY(endpoint, to_asio(at));
  LF_TRY(fd, stream_socket(endpoint.protocol().family(), namespace_path));
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
    return fail_errno("SO_REUSEADDR", errno);
  }
  if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) < 0 ||
      ::listen(fd.get(), 1024) < 0) {
    if (errno == EADDRINUSE) {
      return fail("address-in-use", fmt::format("{} is in use by another program", at.str()), 500);
    }
    return fail_errno("listen on " + at.str(), errno);
  }
  return std::move(fd);
}

Result<io::Fd> connecting_socket(const io::Endpoint& to, const std::string& namespace_path) {
  LF_TRY(endpoint, to_asio(to));
  LF_TRY(fd, stream_socket(endpoint.protocol().family(), namespace_path));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) < 0 &&
      errno != EINPROGRESS) {
    return fail_errno("connect to " + to.str(), errno);
  }
  return std::move(fd);
}

io::Endpoint local_endpoint(int fd) {
  asio::ip::tcp::endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(fd, endpoint.data(), &size) < 0) return {};
  return from_asio(endpoint);
}

Result<std::optional<Accepted>> accept_socket(int fd) {
  asio::ip::tcp::endpoint peer;
  auto size = static_cast<socklen_t>(peer.capacity());
  io::Fd accepted(::accept4(fd, peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
      return std::optional<Accepted>();
    return fail_errno("accept", errno);
  }
  const int on = 1;
  ::setsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return Accepted{std::move(accepted), from_asio(peer)};
}

}  // namespace landfall::http
