// What clients get when something is wrong with them or with the targets.
#include <sys/socket.h>

#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {
namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

int status_of(TestTarget::Script script, const std::string& request = kGet) {
  TestTarget target(std::move(script));
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  return balancer.ask(request).status();
}

TEST(Errors, NoTargets) {
  TestBalancer balancer;
  balancer.apply();
  Socket client = balancer.client();
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    const Message answer = read_message(client);
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.field("Server"), "awselb/2.0");
    EXPECT_EQ(answer.body.size(), 162u);  // AWS's page
  }
}

TEST(Errors, TargetRefuses) {
  TestBalancer balancer;
  balancer.add_target(free_port());
  balancer.apply();
  const Message answer = balancer.ask(kGet);
  EXPECT_EQ(answer.status(), 502);
  EXPECT_EQ(answer.body.size(), 122u);
}

TEST(Errors, TargetEndsWithoutAnAnswer) {
  EXPECT_EQ(status_of([](Socket& socket) { socket.read_until("\r\n\r\n"); }), 502);
  EXPECT_EQ(status_of([](Socket& socket) {
              socket.read_until("\r\n\r\n");
              socket.close_hard();
            }),
            502);
  EXPECT_EQ(status_of([](Socket& socket) {
              socket.read_until("\r\n\r\n");
              socket.send("HTTP/1.1 200 OK\r\nContent-Le");
            }),
            502);
}

TEST(Errors, TargetSpeaksRubbish) {
  for (const std::string& answer : std::vector<std::string>{
           std::string("SSH-2.0-OpenSSH_9.2\r\n\r\n"), std::string("HTTP/1.1 200 OK\nbare\n\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
           "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n",
           std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk")}) {
    EXPECT_EQ(status_of([&](Socket& socket) {
                socket.read_until("\r\n\r\n");
                socket.try_send(answer);
                socket.read_all();
              }),
              502)
        << answer.substr(0, 60);
  }
}

TEST(Errors, AnAnswerThatBreaksOffIsSeenToBeBroken) {
  TestTarget target([](Socket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send(kGet);
  EXPECT_TRUE(client.reset_by_peer());
}

TEST(Errors, RefusedRequestsCloseTheConnection) {
  TestBalancer balancer;
  balancer.apply();
  struct Case {
    std::string request;
    int status;
  };
  for (const Case& each : std::vector<Case>{
           {"GET / HTTP/1.1\r\n\r\n", 400},
           {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
           {"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
           {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
           {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
       }) {
    Socket client = balancer.client();
    client.send(each.request);
    const Message answer = read_message(client);
    EXPECT_EQ(answer.status(), each.status) << each.request.substr(0, 80);
    EXPECT_EQ(answer.field("Connection"), "close");
    EXPECT_TRUE(client.ended()) << each.request.substr(0, 80);
  }
  EXPECT_EQ(balancer.ask("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n").status(), 405);
}

TEST(Errors, TooManyForwardedAddresses) {
  std::string list = "1.1.1.1";
  for (int i = 0; i < 30; ++i) list += ", 1.1.1.1";
  EXPECT_EQ(status_of(TestTarget::says("x"),
                      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + list + "\r\n\r\n"),
            463);
}

TEST(Errors, DesyncModes) {
  TestTarget target(TestTarget::says("x"));
  TestBalancer balancer;
  balancer.add_target(target);
  const std::string ambiguous =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  const std::string acceptable = "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto ask = [&](DesyncMode mode, const std::string& request) {
    balancer.balancer().desync_mode = mode;
    balancer.apply();
    return balancer.ask(request);
  };
  EXPECT_EQ(ask(DesyncMode::defensive, ambiguous).status(), 200);
  EXPECT_EQ(ask(DesyncMode::defensive, ambiguous).field("Connection"), "close");
  EXPECT_EQ(ask(DesyncMode::monitor, ambiguous).field("Connection"), "");
  EXPECT_EQ(ask(DesyncMode::strictest, ambiguous).status(), 400);
  EXPECT_EQ(ask(DesyncMode::defensive, acceptable).field("Connection"), "");
  EXPECT_EQ(ask(DesyncMode::strictest, acceptable).status(), 400);
}

TEST(Errors, SlowClientsAndSlowTargets) {
  TestTarget target([](Socket& socket) { socket.read_all(); });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.balancer().idle_timeout_seconds = 1;
  balancer.apply();
  Socket half_head = balancer.client(), half_body = balancer.client(), waiting = balancer.client(),
         silent = balancer.client();
  half_head.send("GET / HTT");
  half_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  waiting.send(kGet);
  EXPECT_EQ(read_message(half_head).status(), 408);
  EXPECT_EQ(read_message(half_body).status(), 408);
  EXPECT_EQ(read_message(waiting).status(), 504);
  EXPECT_TRUE(silent.ended());
}

TEST(Errors, AClientThatLeavesTakesItsRequestAlong) {
  std::atomic<bool> seen = false;
  TestTarget target([&](Socket& socket) {
    socket.read_until("\r\n\r\n");
    seen = socket.read_all().empty();
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  {
    Socket client = balancer.client();
    client.send(kGet);
    while (target.accepted() == 0) std::this_thread::yield();
  }
  while (!seen) std::this_thread::yield();
  while (balancer.engine.connections() != 0) std::this_thread::yield();
}

TEST(Errors, AnEarlyAnswerReachesAClientThatIsStillSending) {
  TestTarget target([](Socket& socket) {
    socket.read_until("\r\n\r\n");
    socket.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.apply();
  Socket client = balancer.client();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  const std::string part(50'000, 'x');
  for (int i = 0; i < 20; ++i) client.try_send(part);
  const Message answer = read_message(client);
  EXPECT_EQ(answer.status(), 413);
  EXPECT_EQ(answer.body, "big");
}

}  // namespace
}  // namespace landfall::proxy::testing
