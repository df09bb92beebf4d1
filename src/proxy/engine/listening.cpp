#include "proxy/engine/listening.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace landfall::proxy {
namespace {

constexpr int kBacklog = 4096;

Result<sockaddr_storage> to_address(const std::string& text, std::uint16_t port, socklen_t& size) {
  sockaddr_storage out{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(out);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
  } else {
    return fail("invalid-address", fmt::format("'{}' is not an address", text));
  }
  return out;
}

Result<io::Fd> open_one(const std::string& text, std::uint16_t port) {
  socklen_t size = 0;
  LF_TRY(address, to_address(text, port, size));
  io::Fd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket", errno);
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.ss_family == AF_INET6)
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0 ||
      ::listen(fd.get(), kBacklog) < 0) {
    const int error = errno;
    if (error == EADDRINUSE) {
      return fail("address-in-use", fmt::format("{}:{} is in use by another program", text, port));
    }
    return fail_errno(fmt::format("listen on {}:{}", text, port), error);
  }
  return fd;
}

}  // namespace

Result<ListeningSockets::Sockets> ListeningSockets::open(
    const Place& place, const std::shared_ptr<const NetworkNamespace>& where) {
  LF_OK(visitor_.enter(where));
  Sockets out;
  for (unsigned i = 0; i < threads_; ++i) {
    LF_TRY(fd, open_one(place.address, place.port));
    out.push_back(std::make_shared<const io::Fd>(std::move(fd)));
  }
  return out;
}

std::vector<std::vector<ListenerSocket>> ListeningSockets::arrange(
    const CompiledConfig& config, std::vector<ListenerProblem>& problems) {
  std::vector<std::vector<ListenerSocket>> out(threads_);
  std::map<Place, Sockets> wanted;
  const auto add = [&](const CompiledListener& listener, std::uint32_t node, const Place& place,
                       const std::shared_ptr<const NetworkNamespace>& open_in) {
    if (wanted.contains(place)) {
      problems.push_back(
          {listener.spec.id, "address-in-use",
           fmt::format("{}:{} belongs to another listener", place.address, place.port)});
      return;
    }
    Sockets sockets;
    if (const auto known = open_.find(place); known != open_.end()) {
      sockets = known->second;
    } else {
      auto opened = open(place, open_in);
      if (!opened) {
        problems.push_back({listener.spec.id, opened.error().code, opened.error().message});
        return;
      }
      sockets = std::move(*opened);
    }
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      out[i % threads_].push_back({.fd = sockets[i],
                                   .slot = listener.slot,
                                   .node = node,
                                   .zone = listener.balancer->zones[node],
                                   .port = listener.spec.port,
                                   .where = listener.balancer->namespaces[node]});
    }
    wanted[place] = std::move(sockets);
  };
  static const auto own = NetworkNamespace::open("");
  for (const auto& listener : config.listeners) {
    if (!listener) continue;
    const LoadBalancer& balancer = listener->balancer->spec;
    for (std::uint32_t node = 0; node < balancer.nodes.size(); ++node) {
      add(*listener, node,
          {balancer.nodes[node].network_namespace, balancer.nodes[node].address,
           listener->spec.port},
          listener->balancer->namespaces[node]);
    }
    if (balancer.nodes.empty() || !own) continue;
    for (const Publication& published : listener->spec.publications)
      add(*listener, 0, {"", published.address, published.port}, *own);
  }
  open_ = std::move(wanted);
  return out;
}

void ListeningSockets::list(std::vector<HandedSocket>& places,
                            std::vector<int>& descriptors) const {
  for (const auto& [place, sockets] : open_) {
    for (const auto& socket : sockets) {
      places.push_back({place.network_namespace, place.address, place.port});
      descriptors.push_back(socket->get());
    }
  }
}

void ListeningSockets::inherit(const std::vector<HandedSocket>& places,
                               std::vector<io::Fd> descriptors) {
  for (std::size_t i = 0; i < places.size() && i < descriptors.size(); ++i) {
    open_[{places[i].network_namespace, places[i].address, places[i].port}].push_back(
        std::make_shared<const io::Fd>(std::move(descriptors[i])));
  }
}

}  // namespace landfall::proxy
