#include "proxy/engine/pass_through.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/engine/choice.h"
#include "proxy/engine/tls.h"

namespace landfall::proxy {
namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

void refuse(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(fd);
}

int connect_to(Worker& worker, const TargetState& target,
               const std::shared_ptr<const NetworkNamespace>& from) {
  if (!worker.namespaces().enter(from)) return -1;
  const int fd = ::socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.address_size) < 0 &&
      errno != EINPROGRESS) {
    ::close(fd);
    return -1;
  }
  return fd;
}

}  // namespace

std::string proxy_protocol_v2(const PeerAddress& client, const PeerAddress& ours) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  const bool v4 = client.is_v4();
  const std::size_t skip = v4 ? 12 : 0;
  out += '\x21';
  out += v4 ? '\x11' : '\x21';
  out += '\0';
  out += v4 ? '\x0c' : '\x24';
  for (const PeerAddress* each : {&client, &ours})
    out.append(reinterpret_cast<const char*>(each->bytes.data()) + skip, 16 - skip);
  for (const PeerAddress* each : {&client, &ours}) {
    out += static_cast<char>(each->port >> 8);
    out += static_cast<char>(each->port & 0xff);
  }
  return out;
}

PassThrough::PassThrough(Worker& worker, int fd, std::shared_ptr<const Shared> shared,
                         bool is_client)
    : Stream(worker, fd), shared_(std::move(shared)), is_client_(is_client) {}

PassThrough::~PassThrough() {
  if (is_client_) shared_->balancer->threads[worker_.index()].add(Count::closed_connections);
}

void PassThrough::open(Worker& worker, int fd, const ListenerSocket& socket,
                       const PeerAddress& peer, const CompiledListener& listener) {
  const CompiledRule* rule = listener.rules.empty() ? nullptr : &listener.rules[0];
  const CompiledGroup* group =
      rule != nullptr && !rule->action.choices.empty() ? rule->action.choices[0].group : nullptr;
  TargetState* target = group != nullptr ? choose_for_connection(worker, *group, peer) : nullptr;
  if (target == nullptr) return refuse(fd);
  const int target_fd = connect_to(worker, *target, socket.where);
  if (target_fd < 0) {
    group->state->thread(worker.index()).counters.add(Count::target_connection_errors);
    return refuse(fd);
  }
  const std::shared_ptr<const Shared> shared = std::make_shared<Shared>(
      Shared{listener.balancer->state, target->shared_from_this(), group->state,
             std::int64_t{1000} * listener.balancer->spec.idle_timeout_seconds});
  auto* client = new PassThrough(worker, fd, shared, true);
  auto* upstream = new PassThrough(worker, target_fd, shared, false);
  client->other_ = upstream;
  upstream->other_ = client;
  upstream->connecting_ = true;
  if (listener.secure) client->set_tls(listener.tls->accept());
  if (group->tls) upstream->set_tls(connect_tls(false));
  if (group->spec.proxy_protocol_v2) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    upstream->send(proxy_protocol_v2(peer, PeerAddress::of(address)));
  }
  worker.connection_opened(*client);
  if (!worker.watch(fd, *client, kEvents) || !worker.watch(target_fd, *upstream, kEvents)) {
    client->both_end(true);
    return;
  }
  group->state->thread(worker.index()).counters.add(Count::new_connections);
  client->touch();
}

void PassThrough::touch() {
  // One deadline for both, kept by the client's side.
  (is_client_ ? this : other_)->set_deadline(shared_->idle_ms);
}

void PassThrough::on_bytes(std::string_view bytes) {
  touch();
  shared_->balancer->threads[worker_.index()].add(Count::processed_bytes, bytes.size());
  if (!other_->send(bytes)) return both_end(true);
  if (other_->blocked()) pause();
}

void PassThrough::on_end() {
  ended_ = true;
  other_->finishing_ = true;
  if (!other_->blocked()) other_->end_when_sent();
}

void PassThrough::end_when_sent() {
  if (!finishing_ || std::exchange(finished_, true)) return;
  if (ended_) return both_end(false);
  half_close();
}

void PassThrough::on_drained() {
  touch();
  if (finishing_) end_when_sent();
  if (!dead && other_ != nullptr) other_->resume();
}

void PassThrough::on_broken(int) {
  if (!is_client_ && connecting())
    shared_->group->thread(worker_.index()).counters.add(Count::target_connection_errors);
  both_end(true);
}

void PassThrough::on_deadline() { both_end(true); }

void PassThrough::both_end(bool hard) {
  for (PassThrough* each : {this, other_}) {
    if (each == nullptr || each->dead) continue;
    if (each->is_client_) worker_.connection_closed(*each);
    if (hard) {
      each->reset();
    } else {
      each->close();
    }
  }
}

}  // namespace landfall::proxy
