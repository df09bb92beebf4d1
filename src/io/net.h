// Sockets as tasks. A socket may live in another network namespace than the process: it is made
// there and stays.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "io/loop.h"

namespace landfall::io {

struct Endpoint {
  std::string address;  // numeric IPv4 or IPv6
  std::uint16_t port = 0;
  std::string str() const;
};

class TcpStream {
 public:
  struct Impl;
  explicit TcpStream(std::unique_ptr<Impl> impl);
  TcpStream(TcpStream&&) noexcept;
  TcpStream& operator=(TcpStream&&) noexcept;
  ~TcpStream();
  // 0 at the end of the stream.
  task<Result<std::size_t>> read_some(std::span<char> buffer);
  task<Result<void>> write_all(std::string_view bytes);
  Endpoint remote() const;
  Endpoint local() const;
  void close();
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

class TcpListener {
 public:
  struct Impl;
  // namespace_path: "/run/netns/x", or empty for ours. Port 0 picks one. Errors: "address-in-use",
  // errno-*.
  static Result<TcpListener> listen(Loop& loop, Endpoint at,
                                    const std::string& namespace_path = {});
  TcpListener(TcpListener&&) noexcept;
  ~TcpListener();
  task<Result<TcpStream>> accept();
  Endpoint local() const;
  void close();

 private:
  explicit TcpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

task<Result<TcpStream>> connect(Loop& loop, Endpoint to, Millis timeout,
                                std::string namespace_path = {});

struct Datagram {
  std::string bytes;
  Endpoint peer;
};

class UdpSocket {
 public:
  struct Impl;
  static Result<UdpSocket> bind(Loop& loop, Endpoint at, const std::string& namespace_path = {});
  UdpSocket(UdpSocket&&) noexcept;
  ~UdpSocket();
  task<Result<Datagram>> receive();  // up to 64 KiB
  task<Result<void>> send(Datagram datagram);
  Endpoint local() const;

 private:
  explicit UdpSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Runs `work` with this thread inside the network namespace: no co_await in between.
Result<void> in_network_namespace(const std::string& namespace_path,
                                  const std::function<Result<void>()>& work);

}  // namespace landfall::io
