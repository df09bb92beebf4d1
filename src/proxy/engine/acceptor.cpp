#include "proxy/engine/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/engine/client.h"
#include "proxy/engine/pass_through.h"
#include "proxy/engine/tls.h"

namespace landfall::proxy {
namespace {

constexpr int kAcceptsInARow = 16;
constexpr std::int64_t kPauseMs = 100;

// New clients leave descriptors for connections to targets, checks, logs and the control socket:
// who is there already must be served, and the process must be told to do with fewer. The kernel
// gives the lowest free number, so a high one means that few are left.
bool is_scarce(int fd) {
  static const int bound = [] {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1 << 30) return 1 << 30;
    const int all = static_cast<int>(limit.rlim_cur);
    return all - std::min(64, all / 4);
  }();
  return fd >= bound;
}

}  // namespace

Acceptor::Acceptor(Worker& worker, ListenerSocket socket)
    : worker_(worker), socket_(std::move(socket)) {
  // Level-triggered: what is left over is reported again.
  worker_.watch(socket_.fd->get(), *this, EPOLLIN);
}

Acceptor::~Acceptor() {
  if (!dead) worker_.unwatch(socket_.fd->get());
  worker_.timers().remove(*this);
}

void Acceptor::retire() {
  worker_.unwatch(socket_.fd->get());
  worker_.timers().remove(*this);
  socket_.fd.reset();
  dead = true;
  worker_.bury(*this);
}

void Acceptor::on_events(std::uint32_t) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    sockaddr_storage address;
    socklen_t size = sizeof address;
    const int fd = ::accept4(socket_.fd->get(), reinterpret_cast<sockaddr*>(&address), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      const bool scarce = is_scarce(fd);
      opened(fd, PeerAddress::of(address));
      if (scarce) return pause();
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      pause();
    }
    return;
  }
}

// Asking again at once would only burn time: connections must end first. Those that come meanwhile
// wait in the kernel's queue.
void Acceptor::pause() {
  if (const auto* listener = worker_.config()->config->listener(socket_.slot)) {
    listener->balancer->state->tally.at(worker_.index(), socket_.zone)
        .add(Count::rejected_connections);
  }
  worker_.unwatch(socket_.fd->get());
  worker_.timers().set(*this, worker_.now_ms() + kPauseMs);
}

void Acceptor::on_deadline() {
  const io::Fd next(::fcntl(socket_.fd->get(), F_DUPFD_CLOEXEC, 0));
  if (!next || is_scarce(next.get())) {
    worker_.timers().set(*this, worker_.now_ms() + kPauseMs);
  } else {
    worker_.watch(socket_.fd->get(), *this, EPOLLIN);
  }
}

void Acceptor::opened(int fd, const PeerAddress& peer) {
  const CompiledListener* listener = worker_.config()->config->listener(socket_.slot);
  if (listener == nullptr) {
    ::close(fd);
    return;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  listener->balancer->state->tally.at(worker_.index(), socket_.zone).add(Count::new_connections);
  if (listener->pass_through) {
    PassThrough::open(worker_, fd, socket_, peer, *listener);
    return;
  }
  auto* client = new Client(worker_, fd, socket_, peer, *listener->balancer);
  if (listener->secure) client->set_tls(listener->tls->accept());
  worker_.connection_opened(*client);
  if (!worker_.watch(fd, *client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
    worker_.connection_closed(*client);
    client->close();
    return;
  }
  client->opened();
}

}  // namespace landfall::proxy
