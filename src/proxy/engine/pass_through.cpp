#include "proxy/engine/pass_through.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/engine/choice.h"
#include "proxy/engine/connect.h"
#include "proxy/engine/tls.h"

namespace landfall::proxy {
namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

void refuse(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(fd);
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
  unlink();
  if (is_client_) shared_->counts.add(Count::closed_connections);
}

void PassThrough::open(Worker& worker, int fd, const ListenerSocket& socket,
                       const PeerAddress& peer, const CompiledListener& listener) {
  const CompiledRule* rule = listener.rules.empty() ? nullptr : &listener.rules[0];
  const CompiledAction::Choice* choice =
      rule != nullptr && !rule->action.choices.empty() ? rule->action.choices.data() : nullptr;
  const CompiledGroup* group = choice != nullptr ? choice->group : nullptr;
  Counters& counts = listener.balancer->state->tally.at(worker.index(), socket.zone);
  const auto refused = [&] {
    counts.add(Count::balancer_resets);
    counts.add(Count::closed_connections);
    refuse(fd);
  };
  TargetState* target = group != nullptr ? choose_for_connection(worker, *group, peer) : nullptr;
  if (target == nullptr) return refused();
  Counters& group_counts = choice->tally->at(worker.index(), socket.zone);
  Cause why;
  const int target_fd = start_connect(worker, *target, socket.where, why);
  if (target_fd < 0) {
    group_counts.add(Count::target_connection_errors);
    return refused();
  }
  const std::shared_ptr<const Shared> shared = std::make_shared<Shared>(Shared{
      listener.balancer->state, target->shared_from_this(), choice->tally, counts, group_counts,
      std::int64_t{1000} * (listener.spec.idle_timeout_seconds > 0
                                ? listener.spec.idle_timeout_seconds
                                : listener.balancer->spec.idle_timeout_seconds)});
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
  group_counts.add(Count::new_connections);
  client->link();
  client->touch();
}

void PassThrough::link() {
  former_ = &shared_->target->connections[worker_.index()].passing;
  next_ = *former_;
  if (next_ != nullptr) next_->former_ = &next_;
  *former_ = this;
}

void PassThrough::unlink() {
  if (former_ == nullptr) return;
  *former_ = next_;
  if (next_ != nullptr) next_->former_ = former_;
  former_ = nullptr;
}

void PassThrough::end_all(TargetState& target, unsigned worker) {
  // They leave the list when they are freed, at the end of the round.
  for (PassThrough* each = target.connections[worker].passing; each != nullptr;
       each = each->next_) {
    if (each->dead) continue;
    each->shared_->counts.add(Count::balancer_resets);
    each->both_end(true);
  }
}

void PassThrough::touch() {
  // One deadline for both, kept by the client's side.
  (is_client_ ? this : other_)->set_deadline(shared_->idle_ms);
}

void PassThrough::on_bytes(std::string_view bytes) {
  touch();
  shared_->counts.add(Count::processed_bytes, bytes.size());
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

void PassThrough::on_broken(int error) {
  if (error == ECONNRESET)
    shared_->counts.add(is_client_ ? Count::client_resets : Count::target_resets);
  if (error == EPROTO && is_client_ && tls() != nullptr)
    shared_->counts.add(Count::client_tls_errors);
  if (error == EPROTO && !is_client_ && tls() != nullptr)
    shared_->group_counts.add(Count::target_tls_errors);
  if (!is_client_ && connecting()) shared_->group_counts.add(Count::target_connection_errors);
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
