// For tests: targets that follow a script, clients that see every byte, and a balancer between
// them, all on loopback.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <set>

#include "proxy/engine/engine.h"

namespace landfall::proxy::testing {

// A connected blocking socket; every wait ends after five seconds.
class Socket {
 public:
  explicit Socket(int fd);
  static Socket connect(std::uint16_t port);
  void send(std::string_view bytes);
  // False: the peer has reset or closed.
  bool try_send(std::string_view bytes);
  // Everything up to and including `mark`; what there is when the peer ends before.
  std::string read_until(std::string_view mark);
  std::string read_exactly(std::size_t size);
  std::string read_all();  // until the end
  bool ended();            // the next read is the end (not a reset, not bytes)
  bool reset_by_peer();
  void half_close();
  void close() { fd_.reset(); }
  void close_hard();  // with a reset
  int fd() const { return fd_.get(); }

 private:
  bool fill();
  io::Fd fd_;
  std::string buffer_;
  int error_ = 0;
};

struct Message {
  std::string head;  // with the empty line
  std::string body;  // without chunk framing
  int status() const;
  std::string field(std::string_view name) const;  // the first of that name; empty: none
};
// Reads a request or an answer with its body. `no_body`: the answer to HEAD.
Message read_message(Socket& from, bool no_body = false);

// Accepts connections and runs the script for each, in threads of its own.
class TestTarget {
 public:
  using Script = std::function<void(Socket&)>;
  explicit TestTarget(Script script);
  // Answers every request with "200" and `body`, keeping the connection.
  static Script says(std::string body);
  ~TestTarget();
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }

 private:
  void run();
  Script script_;
  io::Fd listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::set<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

std::uint16_t free_port();

// One load balancer "lb" with one listener "l" that forwards to the group "tg".
class TestBalancer {
 public:
  explicit TestBalancer(unsigned threads = 1);
  void add_target(const TestTarget& target) { add_target(target.port()); }
  void add_target(std::uint16_t port);
  LoadBalancer& balancer() { return snapshot.load_balancers[0]; }
  Listener& listener() { return balancer().listeners[0]; }
  TargetGroup& group() { return snapshot.target_groups[0]; }
  void apply();  // expects that there are no problems
  Socket client() { return Socket::connect(listener().port); }
  // One request on a connection of its own.
  Message ask(std::string_view request);

  Snapshot snapshot;
  Engine engine;
};

}  // namespace landfall::proxy::testing
