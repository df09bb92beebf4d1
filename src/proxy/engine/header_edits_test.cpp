// Headers that a listener adds to answers, and those of requests that only it sets.
#include "proxy/engine/header_edits.h"

#include "proxy/engine/testing_tls.h"

namespace landfall::proxy::testing {
namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

int count(const std::string& text, std::string_view part) {
  int out = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++out;
  return out;
}

TEST(HeaderEdits, EveryAnswerHasThem) {
  TestTarget target([](Socket& socket) {
    while (!read_message(socket).head.empty()) {
      socket.send(
          "HTTP/1.1 200 OK\r\nx-frame-options: ALLOWALL\r\nServer: mine\r\nX-Frame-Options: x\r\n"
          "X-Frame-Options-2: kept\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.listener().response_headers = {
      {"X-Frame-Options", "DENY"},
      {"Strict-Transport-Security", "max-age=63072000; includeSubDomains"}};
  balancer.apply();
  Message answer = balancer.ask(kGet);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(count(answer.head, "\r\nX-Frame-Options: "), 1);
  EXPECT_EQ(answer.field("X-Frame-Options"), "DENY");
  EXPECT_EQ(answer.head.find("ALLOWALL"), std::string::npos);
  EXPECT_EQ(answer.field("X-Frame-Options-2"), "kept");
  EXPECT_EQ(answer.field("Strict-Transport-Security"), "max-age=63072000; includeSubDomains");
  EXPECT_EQ(answer.field("Server"), "mine");
  // Answers of our own: fixed, and errors.
  balancer.listener().rules[0].action = {.kind = ActionKind::fixed_response, .status = 418};
  balancer.listener().server_header = false;
  balancer.apply();
  answer = balancer.ask(kGet);
  EXPECT_EQ(answer.status(), 418);
  EXPECT_EQ(answer.field("X-Frame-Options"), "DENY");
  EXPECT_EQ(answer.field("Server"), "");
  answer = balancer.ask("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n");
  EXPECT_EQ(answer.status(), 400);
  EXPECT_EQ(answer.field("X-Frame-Options"), "DENY");
  balancer.listener().server_header = true;
  balancer.listener().response_headers.clear();
  balancer.apply();
  answer = balancer.ask(kGet);
  EXPECT_EQ(answer.field("X-Frame-Options"), "");
  EXPECT_EQ(answer.field("Server"), "awselb/2.0");
}

TEST(HeaderEdits, ClientsCannotSetWhatTheListenerSays) {
  std::string seen;
  TestTarget target([&](Socket& socket) {
    seen = read_message(socket).head;
    socket.try_send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.listener().protocol = Protocol::https;
  balancer.listener().tls.certificates = {make_certificate("default", "DNS:default.test")};
  balancer.balancer().tls_version_and_cipher_headers = true;
  balancer.listener().request_header_names.tls_version = "X-Tls";
  balancer.apply();
  const auto ask = [&] {
    TlsClient client(balancer.client(), "default.test");
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nx-tls: forged\r\nX_TLS: forged\r\nX-Tls-2: kept\r\n"
        "X-Amzn-Tls-Version: forged\r\n\r\n");
    EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200"));
  };
  ask();
  EXPECT_EQ(count(seen, "X-Tls: TLSv1.3\r\n"), 1);
  EXPECT_EQ(count(seen, "x-tls: "), 0);
  EXPECT_EQ(count(seen, "X_TLS: "), 0);
  EXPECT_EQ(count(seen, "X-Tls-2: kept\r\n"), 1);
  EXPECT_EQ(count(seen, "X-Amzn-Tls-Version: forged"), 1);  // has no meaning any more
  balancer.listener().request_header_names = {};
  balancer.apply();
  ask();
  EXPECT_EQ(count(seen, "X-Amzn-Tls-Version: TLSv1.3\r\n"), 1);
  EXPECT_EQ(count(seen, "X-Amzn-Tls-Version: "), 1);
  EXPECT_EQ(count(seen, "x-tls: forged"), 1);
}

}  // namespace
}  // namespace landfall::proxy::testing
