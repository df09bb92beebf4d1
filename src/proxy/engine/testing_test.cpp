#include "proxy/engine/testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "proxy/http1/chunked.h"
#include "proxy/http1/head.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(port);
  return out;
}

io::Fd listen_somewhere(std::uint16_t& port) {
  io::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 128), 0);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

Socket::Socket(int fd) : fd_(fd) {
  const timeval limit{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

Socket Socket::connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return Socket(fd);
}

bool Socket::try_send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Socket::send(std::string_view bytes) { EXPECT_TRUE(try_send(bytes)); }

bool Socket::fill() {
  char part[16384];
  const ssize_t got = ::recv(fd_.get(), part, sizeof part, 0);
  error_ = got < 0 ? errno : 0;
  if (got <= 0) return false;
  buffer_.append(part, static_cast<std::size_t>(got));
  return true;
}

std::string Socket::read_until(std::string_view mark) {
  std::size_t at;
  while ((at = buffer_.find(mark)) == std::string::npos) {
    if (!fill()) return std::exchange(buffer_, {});
  }
  std::string out = buffer_.substr(0, at + mark.size());
  buffer_.erase(0, out.size());
  return out;
}

std::string Socket::read_exactly(std::size_t size) {
  while (buffer_.size() < size && fill()) {
  }
  std::string out = buffer_.substr(0, size);
  buffer_.erase(0, out.size());
  return out;
}

std::string Socket::read_all() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool Socket::ended() { return buffer_.empty() && !fill() && error_ == 0; }
bool Socket::reset_by_peer() {
  while (fill()) {
  }
  return error_ == ECONNRESET;
}
void Socket::half_close() { ::shutdown(fd_.get(), SHUT_WR); }
void Socket::close_hard() {
  // Sends a reset and leaves the descriptor to its owner.
  const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
  ::connect(fd_.get(), &nowhere, sizeof nowhere);
}

int Message::status() const { return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0; }

std::string Message::field(std::string_view name) const {
  std::size_t at = head.find("\r\n");
  while (at != std::string::npos && at + 2 < head.size()) {
    const std::size_t end = head.find("\r\n", at + 2);
    const std::string_view line = std::string_view(head).substr(at + 2, end - at - 2);
    const std::size_t colon = line.find(':');
    std::string lower_name;
    for (const char c : name) lower_name += http1::lower(c);
    if (colon != std::string_view::npos && http1::equals_lower(line.substr(0, colon), lower_name))
      return std::string(http1::trim(line.substr(colon + 1)));
    at = end;
  }
  return {};
}

Message read_message(Socket& from, bool no_body) {
  Message out;
  out.head = from.read_until("\r\n\r\n");
  if (no_body || out.head.empty()) return out;
  const int status = out.head.starts_with("HTTP/") ? out.status() : 0;
  if (status == 204 || status == 304 || (status >= 100 && status < 200)) return out;
  if (http1::equals_lower(out.field("Transfer-Encoding"), "chunked")) {
    while (true) {
      const std::string size = from.read_until("\r\n");
      const std::size_t count = std::strtoul(size.c_str(), nullptr, 16);
      if (size.empty()) break;
      if (count == 0) {
        while (from.read_until("\r\n").size() > 2) {
        }
        break;
      }
      out.body += from.read_exactly(count);
      from.read_exactly(2);
    }
  } else if (const std::string length = out.field("Content-Length"); !length.empty()) {
    out.body = from.read_exactly(std::strtoul(length.c_str(), nullptr, 10));
  } else if (status != 0) {
    out.body = from.read_all();
  }
  return out;
}

TestTarget::TestTarget(Script script) : script_(std::move(script)) {
  listener_ = listen_somewhere(port_);
  acceptor_ = std::thread([this] { run(); });
}

void TestTarget::run() {
  while (true) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    ++accepted_;
    const std::lock_guard lock(mutex_);
    open_.insert(fd);
    threads_.emplace_back([this, fd] {
      Socket socket(fd);
      script_(socket);
      const std::lock_guard done(mutex_);
      open_.erase(fd);
      socket.close();
    });
  }
}

TestTarget::~TestTarget() {
  stopping_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

TestTarget::Script TestTarget::says(std::string body) {
  return [body](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (!request.head.ends_with("\r\n\r\n")) return;
      const bool head = request.head.starts_with("HEAD ");
      if (!socket.try_send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                                       body.size(), head ? "" : body))) {
        return;
      }
    }
  };
}

std::uint16_t free_port() {
  std::uint16_t port = 0;
  listen_somewhere(port);
  return port;
}

TestBalancer::TestBalancer(unsigned threads) : engine(threads) {
  LoadBalancer made{.id = "lb", .name = "app/lb/1", .nodes = {{"", "127.0.0.1", "a"}}};
  Listener listening{.id = "l", .port = free_port()};
  listening.rules.push_back({.action = {.groups = {{"tg", 1}}}});
  made.listeners.push_back(listening);
  snapshot.load_balancers.push_back(made);
  // Scripts count connections, so nobody else may connect.
  snapshot.target_groups.push_back({.id = "tg", .health_check = {.enabled = false}});
}

void TestBalancer::add_target(std::uint16_t port) {
  group().targets.push_back({fmt::format("127.0.0.1:{}", port), "127.0.0.1", port, 0, "a"});
}

void TestBalancer::apply() {
  ++snapshot.revision;
  const auto applied = engine.apply(snapshot);
  ASSERT_TRUE(applied) << applied.error().message;
  for (const auto& problem : applied->problems) ADD_FAILURE() << problem.message;
}

Message TestBalancer::ask(std::string_view request) {
  Socket socket = client();
  socket.send(request);
  return read_message(socket, request.starts_with("HEAD "));
}

}  // namespace landfall::proxy::testing
