#include "http/server.h"

#include <list>

#include "base/log.h"
#include "http/connection.h"

namespace landfall::http {

task<Result<std::string>> BodyReader::read_all(std::size_t limit) {
  const auto too_large = [&] {
    return fail("body-too-large", fmt::format("the body is larger than {} bytes", limit), 413);
  };
  if (length().value_or(0) > limit) co_return too_large();
  LF_CO_TRY(first, co_await read());
  std::string whole = std::move(first);
  while (!whole.empty()) {
    LF_CO_TRY(piece, co_await read());
    if (piece.empty()) break;
    if (whole.size() + piece.size() > limit) co_return too_large();
    if (whole.capacity() < whole.size() + piece.size() && length())
      whole.reserve(static_cast<std::size_t>(*length()));
    whole += piece;
  }
  if (whole.size() > limit) co_return too_large();
  co_return whole;
}

namespace {

struct Listener {
  std::uint64_t id;
  io::Endpoint at;
  std::string namespace_path;
  Pollable socket;
  bool closed = false;
};

}  // namespace

struct Server::Impl {
  Impl(io::Loop& loop, Handler handler, ServerOptions options)
      : shared(loop, std::move(handler), std::move(options)),
        changed(loop),
        tasks(loop),
        service(loop) {}

  task<void> accept_loop(std::shared_ptr<Listener> listener);
  Result<bool> accept_some(Listener& listener);
  bool make_room();
  task<void> serve(std::list<Connection>::iterator connection);
  task<void> sweep();

  ServerShared shared;
  std::vector<std::shared_ptr<Listener>> listeners;
  std::list<Connection> connections;
  std::uint64_t next_listener = 1;
  io::Event changed;      // a connection came, or the last one went
  io::TaskScope tasks;    // connections
  io::TaskScope service;  // accept loops and the sweeper
  bool sweeping = false;
  bool stopped = false;
};

Server::Server(io::Loop& loop, Handler handler, ServerOptions options)
    : impl_(std::make_unique<Impl>(loop, std::move(handler), std::move(options))) {}
Server::~Server() = default;

Result<void> Server::reload_certificate() {
  const ServerOptions& options = impl_->shared.options;
  if (options.certificate_file.empty()) return {};
  LF_TRY(context,
         TlsContext::server(options.certificate_file, options.key_file, options.certificate_for));
  impl_->shared.tls = std::move(context);
  return {};
}

Result<io::Endpoint> Server::listen(io::Endpoint at, const std::string& namespace_path) {
  if (!impl_->shared.tls) LF_OK(reload_certificate());
  LF_TRY(fd, listen_socket(at, namespace_path));
  at.port = local_endpoint(fd.get()).port;
  auto listener = std::make_shared<Listener>(impl_->next_listener++, at, namespace_path,
                                             Pollable(impl_->shared.loop, std::move(fd)));
  impl_->listeners.push_back(listener);
  impl_->service.spawn("accept " + at.str(), impl_->accept_loop(listener));
  if (!std::exchange(impl_->sweeping, true)) impl_->service.spawn("http sweep", impl_->sweep());
  return at;
}

void Server::unlisten(const io::Endpoint& at, const std::string& namespace_path) {
  std::erase_if(impl_->listeners, [&](const std::shared_ptr<Listener>& listener) {
    if (listener->at.address != at.address || listener->at.port != at.port ||
        listener->namespace_path != namespace_path) {
      return false;
    }
    listener->closed = true;
    listener->socket.close();
    for (Connection& connection : impl_->connections) {
      if (connection.listener() == listener->id) connection.stream().cut(false);
    }
    return true;
  });
}

task<void> Server::Impl::accept_loop(std::shared_ptr<Listener> listener) {
  while (!listener->closed) {
    co_await listener->socket.readable();
    while (!listener->closed) {
      const auto more = accept_some(*listener);
      if (!more && !listener->closed) {
        // Out of descriptors or memory: the connection stays in the kernel's queue.
        log::warning("http", "{}: {}", listener->at.str(), more.error().message);
        co_await shared.loop.sleep_for(Millis(100));
      }
      if (!more || !*more) break;
    }
  }
}

// True when there may be more.
Result<bool> Server::Impl::accept_some(Listener& listener) {
  for (int i = 0; i < 64; ++i) {
    LF_TRY(accepted, accept_socket(listener.socket.fd()));
    if (!accepted) return false;
    if (connections.size() >= shared.options.connection_limit && !make_room()) {
      log::warning("http", "{}: refused {}: {} connections are open", listener.at.str(),
                   accepted->peer.str(), connections.size());
      continue;
    }
    connections.emplace_front(shared, std::move(accepted->fd), std::move(accepted->peer),
                              listener.id, listener.namespace_path);
    tasks.spawn("http connection", serve(connections.begin()));
    if (connections.size() == 1) changed.notify_all();
  }
  return true;
}

// At the limit the connection that has been idle longest makes room; those at work stay.
bool Server::Impl::make_room() {
  for (auto it = connections.rbegin(); it != connections.rend(); ++it) {
    if (it->idle()) {
      it->stream().cut(false);
      return connections.size() < shared.options.connection_limit + 64;
    }
  }
  return false;
}

task<void> Server::Impl::serve(std::list<Connection>::iterator connection) {
  struct Forget {
    Impl& impl;
    std::list<Connection>::iterator connection;
    ~Forget() {
      impl.connections.erase(connection);
      if (impl.connections.empty()) impl.changed.notify_all();
    }
  } forget{*this, connection};
  co_await connection->run();
}

// One timer for all connections instead of one each.
task<void> Server::Impl::sweep() {
  const ServerOptions& options = shared.options;
  const Millis shortest =
      std::min({options.header_timeout, options.idle_timeout, options.body_timeout});
  const Millis tick = std::clamp<Millis>(shortest / 8, Millis(2), Millis(1000));
  while (true) {
    while (connections.empty()) co_await changed.wait();
    co_await shared.loop.sleep_for(tick);
    const auto now = std::chrono::steady_clock::now();
    for (Connection& connection : connections) {
      if (connection.stream().expired(now)) connection.stream().cut(true);
    }
  }
}

task<void> Server::stop(Millis grace) {
  if (std::exchange(impl_->stopped, true)) co_return;
  impl_->shared.stopping = true;
  for (const auto& listener : std::exchange(impl_->listeners, {})) {
    listener->closed = true;
    listener->socket.close();
  }
  for (Connection& connection : impl_->connections) {
    if (connection.idle()) connection.stream().cut(false);
  }
  const auto until = std::chrono::steady_clock::now() + grace;
  while (!impl_->connections.empty()) {
    const auto left = std::chrono::duration_cast<Millis>(until - std::chrono::steady_clock::now());
    if (left <= Millis(0)) break;
    co_await impl_->changed.wait_for(left);
  }
  for (Connection& connection : impl_->connections) connection.stream().cut(false);
  co_await impl_->tasks.stop();
  co_await impl_->service.stop();
}

}  // namespace landfall::http
