#include "proxy/engine/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace landfall::proxy {

int start_connect(Worker& worker, const TargetState& target,
                  const std::shared_ptr<const NetworkNamespace>& from, Cause& why) {
  why = Cause::no_descriptors;
  if (!worker.namespaces().enter(from)) return -1;
  const int fd = ::socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  why = Cause::connect_failed;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.address_size) < 0 &&
      errno != EINPROGRESS) {
    ::close(fd);
    return -1;
  }
  return fd;
}

// docs: load-balancer-troubleshooting, HTTP 502 and 504
ConnectFailure connect_failure(int error) {
  switch (error) {
    case ETIMEDOUT:
      return {504, Cause::connect_timeout};
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return {502, Cause::connect_failed};
    default:
      return {502, Cause::target_closed};
  }
}

}  // namespace landfall::proxy
