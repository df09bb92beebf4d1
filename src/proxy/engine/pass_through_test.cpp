#include "proxy/engine/pass_through.h"

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

}  // namespace
}  // namespace landfall::proxy::testing
