#include "proxy/protocol.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace landfall::proxy {
namespace {

std::unexpected<Error> socket_error(std::string_view what, int error_number) {
  if (error_number == EAGAIN || error_number == EWOULDBLOCK) {
    return fail("timeout", "the load balancer's process does not answer", 500);
  }
  if (error_number == EPIPE || error_number == ECONNRESET) {
    return fail("closed", "the load balancer's process closed its control connection", 500);
  }
  return fail_errno(what, error_number);
}

Result<void> send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return socket_error("control send", errno);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<void> receive_all(int socket, char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket, out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return socket_error("control receive", errno);
    if (got == 0) return socket_error("control receive", ECONNRESET);
    out += got;
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace

Result<void> write_frame(int socket, std::string_view text) {
  if (text.size() > kFrameLimit)
    return fail("frame-too-large", "a control frame is too large", 500);
  char head[4];
  for (int i = 0; i < 4; ++i) head[i] = static_cast<char>(text.size() >> (8 * i));
  LF_OK(send_all(socket, {head, 4}));
  return send_all(socket, text);
}

Result<std::string> read_frame(int socket) {
  unsigned char head[4];
  LF_OK(receive_all(socket, reinterpret_cast<char*>(head), 4));
  const std::size_t size = head[0] | head[1] << 8 | head[2] << 16 | std::size_t{head[3]} << 24;
  if (size > kFrameLimit) return fail("frame-too-large", "a control frame is too large", 500);
  std::string text(size, '\0');
  LF_OK(receive_all(socket, text.data(), size));
  return text;
}

Result<void> write_descriptors(int socket, const std::vector<int>& descriptors) {
  for (std::size_t at = 0; at < descriptors.size(); at += kDescriptorsPerMessage) {
    const std::size_t count = std::min(kDescriptorsPerMessage, descriptors.size() - at);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsPerMessage)] = {};
    char mark = 'f';
    iovec data{&mark, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    std::memcpy(CMSG_DATA(header), descriptors.data() + at, sizeof(int) * count);
    ssize_t sent;
    do {
      sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return socket_error("control send descriptors", errno);
  }
  return {};
}

Result<std::vector<io::Fd>> read_descriptors(int socket, std::size_t count) {
  std::vector<io::Fd> out;
  while (out.size() < count) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kDescriptorsPerMessage)] = {};
    char mark;
    iovec data{&mark, 1};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return socket_error("control receive descriptors", errno);
    if (got == 0) return socket_error("control receive descriptors", ECONNRESET);
    const std::size_t before = out.size();
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < fds; ++i) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
        out.emplace_back(fd);
      }
    }
    if (out.size() == before || out.size() > count) {
      return fail("handover-broken", "the sockets of a hand-over did not arrive", 500);
    }
  }
  return out;
}

Result<io::Fd> connect_control(const std::filesystem::path& socket_path, Millis timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = socket_path.string();
  if (text.size() >= sizeof address.sun_path) {
    return fail("path-too-long", fmt::format("{} is too long for a socket", text), 500);
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  io::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("control socket", errno);
  const timeval limit{timeout.count() / 1000, timeout.count() % 1000 * 1000};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) {
      return fail("not-running", "no load balancer process answers on " + text, 500);
    }
    return socket_error("connect " + text, errno);
  }
  return fd;
}

}  // namespace landfall::proxy
