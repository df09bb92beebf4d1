// The resolver inside every VPC: UDP and TCP sockets in the VPC's namespace, one view each, and the
// host's own resolvers for names that are not ours.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/dns/resolver.h"
#include "io/loop.h"
#include "io/net.h"

namespace landfall::host::dns {

struct ServerOptions {
  std::vector<io::Endpoint> upstreams;  // asked in order
  Millis upstream_timeout{2000};        // each
  std::size_t most_forwarded = 256;     // at once, in all VPCs; more are told "server failure"
  std::size_t most_connections = 64;    // TCP, per view
  Millis connection_timeout{10'000};    // a TCP client that says nothing
  std::uint16_t port = 53;
};

// The nameservers of a resolv.conf, at most three.
std::vector<io::Endpoint> upstreams_of(std::string_view resolv_conf);

class Server : public Resolver {
 public:
  Server(io::Loop& loop, ServerOptions options);
  ~Server() override;  // after stop()
  Server(const Server&) = delete;

  // Whom names that are not ours are asked of, from now on.
  void set_upstreams(std::vector<io::Endpoint> upstreams);

  task<void> set_names(NameTable names) override;
  task<void> set_zones(ZoneTable zones) override;
  // Another process may have the same addresses open: its successor opens them beside it.
  task<Result<void>> open(View view, std::string namespace_path, std::vector<Ipv4> addresses,
                          bool reopen) override;
  task<void> close(std::string vpc_id) override;
  task<void> keep_only(std::set<std::string> vpc_ids) override;
  task<void> stop() override;

 private:
  struct Listening;
  struct Busy;
  Resolution look_up(const View& view, const Query& query) const;
  task<void> serve_udp(Listening& at, io::UdpSocket& socket);
  task<void> serve_tcp(Listening& at, io::TcpListener& listener);
  task<void> serve_connection(Listening& at, io::TcpStream stream);
  task<void> answer_datagram(Listening& at, io::UdpSocket& socket, io::Datagram datagram);
  // The answer to give; absent: give none.
  task<std::optional<std::string>> answer(Listening& at, std::string message, bool udp);
  task<std::string> forward(Query query, std::string message, bool udp);
  task<Result<std::string>> ask_udp(io::Endpoint upstream, std::string message);
  task<Result<std::string>> ask_tcp(io::Endpoint upstream, std::string message);

  io::Loop& loop_;
  ServerOptions options_;
  NameTable names_;
  ZoneTable zones_;
  std::map<std::string, std::unique_ptr<Listening>> views_;
  std::size_t forwarding_ = 0;
};

}  // namespace landfall::host::dns
