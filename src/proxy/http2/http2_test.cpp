// HTTP/2 in front, by nghttp2's own client.
#include "proxy/http2/testing_http2.h"

namespace landfall::proxy::testing {
namespace {

// Answers with what it was sent, as the body.
void mirror(Socket& socket) {
  while (true) {
    const Message request = read_message(socket);
    if (!request.head.ends_with("\r\n\r\n")) return;
    const std::string body = request.head + request.body;
    if (!socket.try_send(
            fmt::format("HTTP/1.1 200 OK\r\nX-Mixed: Case\r\nConnection: keep-alive\r\n"
                        "Content-Length: {}\r\n\r\n{}",
                        body.size(), body))) {
      return;
    }
  }
}

TEST(Http2, RequestsBecomeHttp1AndBack) {
  TestTarget target(mirror);
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  Http2Client client(balancer);
  const Answer& answer = client.wait(
      client.ask("GET", "/a?b=c", "", {{"cookie", "x=1"}, {"cookie", "y=2"}, {"te", "trailers"}}));
  EXPECT_EQ(answer.fields.at(":status"), "200");
  EXPECT_EQ(answer.fields.at("x-mixed"), "Case");
  EXPECT_FALSE(answer.fields.contains("connection"));
  const Message seen{answer.body, ""};
  EXPECT_TRUE(answer.body.starts_with("GET /a?b=c HTTP/1.1\r\n")) << answer.body;
  EXPECT_EQ(seen.field("Host"), "h2.test:" + std::to_string(balancer.listener().port));
  EXPECT_EQ(seen.field("Cookie"), "x=1; y=2");
  EXPECT_EQ(seen.field("X-Forwarded-Proto"), "https");
  EXPECT_EQ(seen.field("Transfer-Encoding"), "");
}

TEST(Http2, ManyStreamsAndLargeBodies) {
  TestTarget target(mirror);
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  Http2Client client(balancer);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(client.ask("GET", fmt::format("/{}", i)));
  for (int i = 0; i < 60; ++i) {
    EXPECT_TRUE(
        client.wait(ids[static_cast<std::size_t>(i)]).body.starts_with(fmt::format("GET /{} ", i)));
  }
  const std::string large(3'000'000, 'z');
  EXPECT_TRUE(client.wait(client.ask("POST", "/", large)).body.ends_with("\r\n\r\n" + large));
  EXPECT_TRUE(client.wait(client.ask("PUT", "/", large, {{"content-length", "3000000"}}))
                  .body.ends_with("\r\n\r\n" + large));
}

TEST(Http2, OwnAnswersAndBrokenOnes) {
  TestTarget target([](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      if (request.head.starts_with("GET /breaks")) {
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbreaks off");
        return;
      }
      socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    }
  });
  Secure balancer;
  balancer.apply();
  Http2Client client(balancer);
  const Answer& none = client.wait(client.ask("GET", "/"));
  EXPECT_EQ(none.fields.at(":status"), "503");
  EXPECT_EQ(none.body.size(), 162u);
  balancer.add_target(target);
  balancer.apply();
  EXPECT_EQ(client.wait(client.ask("GET", "/")).body, "abc");
  EXPECT_EQ(client.wait(client.ask("GET", "/breaks")).error, NGHTTP2_INTERNAL_ERROR);
  const Answer& head = client.wait(client.ask("HEAD", "/nothing"));
  EXPECT_EQ(head.fields.at(":status"), "200");
  EXPECT_EQ(head.body, "");
}

TEST(Http2, AStreamThatIsCancelledHurtsNoOther) {
  std::atomic<int> asked = 0, gone = 0;
  TestTarget target([&](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      if (request.head.starts_with("GET /hang")) {
        ++asked;
        if (socket.ended()) ++gone;  // and has not merely waited in vain
        return;
      }
      socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  Http2Client client(balancer);
  const std::int32_t hang = client.ask("GET", "/hang");
  client.flush();
  // Cancelled any earlier it may never reach the target.
  while (asked == 0) std::this_thread::yield();
  client.reset(hang);
  EXPECT_EQ(client.wait(client.ask("GET", "/")).body, "ok");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (gone == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(gone, 1);
}

TEST(Http2, OnlyWhereTheBalancerAllowsIt) {
  Secure balancer;
  balancer.balancer().http2 = false;
  balancer.apply();
  TlsClient client(balancer.client(), "default.test", TLS1_3_VERSION, nullptr, nullptr, true);
  ASSERT_TRUE(client.connected);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 503 "));
}

}  // namespace
}  // namespace landfall::proxy::testing
