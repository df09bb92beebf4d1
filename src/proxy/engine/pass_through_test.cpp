#include "proxy/engine/pass_through.h"

#include <poll.h>

#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {
namespace {

struct Tcp : TestBalancer {
  Tcp() {
    listener().protocol = Protocol::tcp;
    group().protocol = Protocol::tcp;
  }
};

TEST(PassThrough, BothDirectionsAndTheirEnds) {
  TestTarget target([](Socket& socket) {
    socket.send("hello ");  // the server may speak first
    const std::string got = socket.read_all();
    socket.try_send("got " + std::to_string(got.size()));
  });
  Tcp balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  EXPECT_EQ(client.read_exactly(6), "hello ");
  client.send(std::string(5'000'000, 'x'));
  client.half_close();
  EXPECT_EQ(client.read_all(), "got 5000000");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (balancer.engine.connections() != 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(balancer.engine.connections(), 0);
}

TEST(PassThrough, NobodyBehind) {
  Tcp balancer;
  balancer.apply();
  EXPECT_TRUE(balancer.client().reset_by_peer());
  balancer.add_target(free_port());
  balancer.apply();
  EXPECT_TRUE(balancer.client().reset_by_peer());
}

TEST(PassThrough, AClientStaysOnItsTarget) {
  TestTarget first([](Socket& socket) { socket.try_send("1"); });
  TestTarget second([](Socket& socket) { socket.try_send("2"); });
  Tcp balancer;
  balancer.add_target(first);
  balancer.add_target(second);
  balancer.apply();
  std::set<std::string> seen;
  for (int i = 0; i < 4; ++i) seen.insert(balancer.client().read_all());
  EXPECT_EQ(seen.size(), 2u);
  balancer.group().stickiness = Stickiness::source_ip;
  balancer.apply();
  seen.clear();
  for (int i = 0; i < 6; ++i) seen.insert(balancer.client().read_all());
  EXPECT_EQ(seen.size(), 1u);
}

TEST(PassThrough, ProxyProtocolTellsTheClient) {
  std::string got;
  TestTarget target([&](Socket& socket) {
    got = socket.read_exactly(28 + 2);
    socket.try_send("x");
  });
  Tcp balancer;
  balancer.add_target(target);
  balancer.group().proxy_protocol_v2 = true;
  balancer.apply();
  Socket client = balancer.client();
  client.send("hi");
  EXPECT_EQ(client.read_exactly(1), "x");
  ASSERT_EQ(got.size(), 30u);
  EXPECT_EQ(got.substr(0, 16), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16));
  EXPECT_EQ(got.substr(16, 8), std::string("\x7f\0\0\x01\x7f\0\0\x01", 8));
  EXPECT_EQ(got.substr(28), "hi");
}

// Waits for the end of a connection over which nothing is sent.
bool ends(Socket& client) {
  pollfd wait{client.fd(), POLLIN, 0};
  return ::poll(&wait, 1, 30'000) == 1 && client.reset_by_peer();
}

TEST(PassThrough, DeregisteredTargetsKeepOrLoseTheirConnections) {
  TestTarget target([](Socket& socket) { socket.read_all(); });
  Tcp balancer;
  balancer.add_target(target);
  balancer.group().deregistration_delay_seconds = 0;
  balancer.apply();
  Socket kept = balancer.client();
  kept.send("a");
  while (target.accepted() < 1) std::this_thread::yield();
  balancer.group().end_deregistered = true;
  balancer.apply();
  balancer.group().targets[0].deregistered_ms = 1;
  balancer.apply();
  EXPECT_TRUE(ends(kept));
  // Taken away the moment its delay has passed.
  balancer.group().targets[0].deregistered_ms = 0;
  balancer.apply();
  Socket second = balancer.client();
  second.send("a");
  while (target.accepted() < 2) std::this_thread::yield();
  balancer.group().end_deregistered = false;
  balancer.group().targets[0].deregistered_ms = 1;
  balancer.apply();
  balancer.group().targets.clear();
  balancer.apply();
  pollfd wait{second.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 0), 0);
}

TEST(PassThrough, UnhealthyTargetsLoseTheirConnections) {
  std::atomic<bool> refuses{false};
  TestTarget target([](Socket& socket) { socket.read_all(); });
  TestTarget check([&](Socket& socket) {
    if (read_message(socket).head.empty()) return;
    socket.try_send(refuses ? "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                            : "HTTP/1.1 200 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  Tcp balancer;
  balancer.add_target(target);
  HealthCheck& how = balancer.group().health_check;
  how = {.enabled = true, .protocol = Protocol::http, .port = check.port()};
  how.interval_seconds = how.timeout_seconds = how.unhealthy_threshold = 1;
  balancer.group().end_unhealthy = true;
  balancer.apply();
  Socket client = balancer.client();
  client.send("a");
  while (target.accepted() < 1) std::this_thread::yield();
  refuses = true;
  EXPECT_TRUE(ends(client));
  // When none is healthy new ones are let through, and stay.
  Socket late = balancer.client();
  late.send("a");
  while (target.accepted() < 2) std::this_thread::yield();
  pollfd wait{late.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&wait, 1, 1'500), 0);
}

TEST(PassThrough, AListenerHasItsOwnIdleTimeout) {
  TestTarget target([](Socket& socket) { socket.read_all(); });
  Tcp balancer;
  balancer.add_target(target);
  balancer.balancer().idle_timeout_seconds = 600;
  balancer.listener().idle_timeout_seconds = 1;
  balancer.apply();
  Socket client = balancer.client();
  client.send("a");
  EXPECT_TRUE(ends(client));
}

}  // namespace
}  // namespace landfall::proxy::testing
