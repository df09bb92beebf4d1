// HTTP/1.1 through the whole data plane, on loopback.
#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {
namespace {

const std::string kGet = "GET /x?y=1 HTTP/1.1\r\nHost: example.com\r\n\r\n";

// Answers with the head it received as the body.
void mirror(Socket& socket) {
  while (true) {
    const Message request = read_message(socket);
    if (!request.head.ends_with("\r\n\r\n")) return;
    const std::string body = request.head + request.body;
    if (!socket.try_send(
            fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(), body))) {
      return;
    }
  }
}

TEST(Http1, ForwardsAndKeepsBothConnections) {
  TestTarget target(TestTarget::says("hello"));
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  for (int i = 0; i < 10; ++i) {
    client.send(kGet);
    const Message answer = read_message(client);
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.body, "hello");
  }
  EXPECT_EQ(balancer.ask(kGet).body, "hello");
  EXPECT_EQ(target.accepted(), 1);
}

TEST(Http1, TargetsSeeWhoAsked) {
  TestTarget target(mirror);
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  const std::string port = std::to_string(balancer.listener().port);
  Message seen{balancer
                   .ask("GET /x?y=1 HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 1.2.3.4\r\n"
                        "Keep-Alive: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nAccept: */*\r\n"
                        "X-Forwarded-Proto: https\r\n\r\n")
                   .body,
               ""};
  EXPECT_TRUE(seen.head.starts_with("GET /x?y=1 HTTP/1.1\r\n")) << seen.head;
  EXPECT_EQ(seen.field("Host"), "example.com:" + port);
  EXPECT_EQ(seen.field("X-Forwarded-For"), "1.2.3.4, 127.0.0.1");
  EXPECT_EQ(seen.field("X-Forwarded-Proto"), "http");
  EXPECT_EQ(seen.field("X-Forwarded-Port"), port);
  EXPECT_EQ(seen.field("Accept"), "*/*");
  EXPECT_EQ(seen.field("X-Hop"), "");
  EXPECT_EQ(seen.field("Keep-Alive"), "");
  const std::string trace = seen.field("X-Amzn-Trace-Id");
  EXPECT_EQ(trace.substr(0, 7), "Root=1-");
  EXPECT_EQ(trace.size(), 7u + 8 + 1 + 24);

  balancer.balancer().preserve_host_header = true;
  balancer.balancer().forwarded_for = ForwardedForMode::preserve;
  balancer.apply();
  seen.head = balancer
                  .ask(
                      "GET / HTTP/1.1\r\nHost: example.com\r\nX-Forwarded-For: 1.2.3.4\r\n"
                      "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;A=b\r\n\r\n")
                  .body;
  EXPECT_EQ(seen.field("Host"), "example.com");
  EXPECT_EQ(seen.field("X-Forwarded-For"), "1.2.3.4");
  EXPECT_TRUE(seen.field("X-Amzn-Trace-Id").starts_with("Self=1-")) << seen.head;
  EXPECT_TRUE(
      seen.field("X-Amzn-Trace-Id").ends_with(";Root=1-67891233-abcdef012345678912345678;A=b"))
      << seen.head;
}

TEST(Http1, BodiesOfAllKinds) {
  TestTarget target(mirror);
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(read_message(client).body.ends_with("\r\n\r\nhello"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  client.send("6;x=y\r\n world\r\n0\r\nTrail: er\r\n\r\n");
  EXPECT_TRUE(read_message(client).body.ends_with("\r\n\r\nhello world"));
  // Byte by byte.
  for (const char c : std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"))
    client.send({&c, 1});
  EXPECT_TRUE(read_message(client).body.ends_with("\r\n\r\nab"));
}

TEST(Http1, LargeBodiesStreamBothWays) {
  std::string payload(8 << 20, 'x');
  for (std::size_t i = 0; i < payload.size(); i += 997) payload[i] = static_cast<char>(i % 251);
  TestTarget target([&](Socket& socket) {
    const Message request = read_message(socket);
    EXPECT_EQ(request.body, payload);
    socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::size_t at = 0; at < request.body.size(); at += 100'000) {
      const std::string part = request.body.substr(at, 100'000);
      socket.send(fmt::format("{:x}\r\n{}\r\n", part.size(), part));
    }
    socket.send("0\r\n\r\n");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send(
      fmt::format("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", payload.size()));
  client.send(payload);
  EXPECT_EQ(read_message(client).body, payload);
}

TEST(Http1, PipelinedRequestsAreAnsweredInOrder) {
  TestTarget target(mirror);
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  std::string all;
  for (int i = 0; i < 20; ++i) all += fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", i);
  client.send(all);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(read_message(client).body.starts_with(fmt::format("GET /{} ", i)));
}

TEST(Http1, AnswersWithoutBody) {
  TestTarget target([](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      if (request.head.starts_with("HEAD")) {
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n");
      } else {
        socket.send("HTTP/1.1 304 Not Modified\r\nETag: 1\r\n\r\n");
      }
    }
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  for (int i = 0; i < 3; ++i) {
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(read_message(client, true).field("Content-Length"), "999");
    client.send(kGet);
    EXPECT_EQ(read_message(client).status(), 304);
  }
  EXPECT_EQ(target.accepted(), 1);
}

TEST(Http1, AnswersThatEndWithTheConnection) {
  TestTarget target([](Socket& socket) {
    read_message(socket);
    socket.send("HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  const Message answer = balancer.ask(kGet);
  EXPECT_TRUE(answer.head.starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_EQ(answer.body, "until the end");
}

TEST(Http1, OldClients) {
  TestTarget target([](Socket& socket) {
    while (!read_message(socket).head.empty())
      socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send("GET / HTTP/1.0\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nabc")) << answer;
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
}

TEST(Http1, InterimAnswersPass) {
  TestTarget target([](Socket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(socket.read_exactly(2), "ok");
    socket.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  client.send("ok");
  EXPECT_EQ(read_message(client).status(), 201);
}

TEST(Http1, WebSocketsAreTunnels) {
  TestTarget target([](Socket& socket) {
    const Message request = read_message(socket);
    EXPECT_EQ(request.field("Upgrade"), "websocket");
    EXPECT_EQ(request.field("Connection"), "Upgrade");
    socket.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "\r\nwelcome");
    EXPECT_EQ(socket.read_exactly(4), "ping");
    socket.send("pong");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const Message answer = read_message(client);
  EXPECT_EQ(answer.status(), 101);
  EXPECT_EQ(answer.field("Upgrade"), "websocket");
  EXPECT_EQ(client.read_exactly(7), "welcome");
  client.send("ping");
  EXPECT_EQ(client.read_exactly(4), "pong");
  EXPECT_TRUE(client.ended());
}

TEST(Http1, AStaleConnectionIsReplacedWithoutTheClientNoticing) {
  std::atomic<int> requests = 0;
  TestTarget target([&](Socket& socket) {
    // One answer a connection, then a reset in place of the second.
    if (read_message(socket).head.empty()) return;
    ++requests;
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (read_message(socket).head.empty()) return;
    socket.close_hard();
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  for (int i = 0; i < 5; ++i) {
    client.send(kGet);
    EXPECT_EQ(read_message(client).status(), 200) << i;
  }
  EXPECT_EQ(requests, 5);
  // What is not idempotent must not happen twice.
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(read_message(client).status(), 502);
}

}  // namespace
}  // namespace landfall::proxy::testing
