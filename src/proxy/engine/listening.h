// The listening sockets of a configuration: which are needed, which are open, which must be opened.
#pragma once

#include <map>

#include "proxy/engine/worker.h"

namespace landfall::proxy {

class ListeningSockets {
 public:
  explicit ListeningSockets(unsigned threads) : threads_(threads) {}

  // What each worker listens on under `config`. Sockets that no listener wants any more are closed
  // when the workers let go of them; those that cannot be opened are named in `problems`.
  std::vector<std::vector<ListenerSocket>> arrange(const CompiledConfig& config,
                                                   std::vector<ListenerProblem>& problems);

  // For a successor: every socket that is open, and where.
  void list(std::vector<HandedSocket>& places, std::vector<int>& descriptors) const;
  // From a predecessor; used by the next arrange() instead of opening new ones.
  void inherit(const std::vector<HandedSocket>& places, std::vector<io::Fd> descriptors);

 private:
  struct Place {
    std::string network_namespace;
    std::string address;
    std::uint16_t port = 0;
    auto operator<=>(const Place&) const = default;
  };
  using Sockets = std::vector<std::shared_ptr<const io::Fd>>;  // one per worker, or more
  Result<Sockets> open(const Place& place, const std::shared_ptr<const NetworkNamespace>& where);

  unsigned threads_;
  NamespaceVisitor visitor_;
  std::map<Place, Sockets> open_;
};

}  // namespace landfall::proxy
