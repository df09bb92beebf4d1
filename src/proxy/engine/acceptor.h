// A listening socket on a worker.
#pragma once

#include "proxy/engine/worker.h"

namespace landfall::proxy {

class Acceptor final : public Pollable {
 public:
  Acceptor(Worker& worker, ListenerSocket socket);
  ~Acceptor() override;
  const ListenerSocket& socket() const { return socket_; }
  void set(ListenerSocket socket) { socket_ = std::move(socket); }
  // Accepts no more. It is deleted at the end of the worker's round: events that the kernel has
  // reported already may still name it.
  void retire();

  void on_events(std::uint32_t events) override;
  void on_deadline() override;  // descriptors had run out; tries again

 private:
  // Descriptors have run out, or are about to.
  void pause();
  void opened(int fd, const PeerAddress& peer);

  Worker& worker_;
  ListenerSocket socket_;
};

}  // namespace landfall::proxy
