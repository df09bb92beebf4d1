// TLS in front and behind, by OpenSSL's own client.
#include "proxy/engine/tls.h"

#include "proxy/engine/testing_tls.h"

namespace landfall::proxy::testing {
namespace {

struct Secure : TestBalancer {
  Secure() {
    listener().protocol = Protocol::https;
    listener().tls.certificates = {make_certificate("default", "DNS:default.test"),
                                   make_certificate("star", "DNS:*.example.com"),
                                   make_certificate("rsa", "DNS:both.test", true),
                                   make_certificate("ecdsa", "DNS:both.test")};
  }
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Tls, BothVersionsAndManyRequests) {
  TestTarget target(TestTarget::says(std::string(100'000, 'x')));
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(balancer.client(), "default.test", version);
    ASSERT_TRUE(client.connected);
    for (int i = 0; i < 20; ++i) {
      client.send(kGet);
      EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200 OK"));
      EXPECT_EQ(client.read(100'000), std::string(100'000, 'x'));
    }
  }
}

TEST(Tls, LargeUploadsAndHeadersOfTheProtocol) {
  std::string seen;
  TestTarget target([&](Socket& socket) {
    const Message request = read_message(socket);
    seen = request.head;
    socket.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Size: {}\r\n\r\n",
                            request.body.size()));
  });
  Secure balancer;
  balancer.add_target(target);
  balancer.balancer().tls_version_and_cipher_headers = true;
  balancer.apply();
  TlsClient client(balancer.client(), "default.test");
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(3'000'000, 'y'));
  EXPECT_NE(client.read_head().find("X-Size: 3000000\r\n"), std::string::npos);
  EXPECT_NE(seen.find("X-Forwarded-Proto: https\r\n"), std::string::npos);
  EXPECT_NE(seen.find("X-Amzn-Tls-Version: TLSv1.3\r\n"), std::string::npos);
  EXPECT_NE(seen.find("X-Amzn-Tls-Cipher-Suite: TLS_"), std::string::npos);
}

TEST(Tls, CertificatesByName) {
  Secure balancer;
  balancer.apply();
  const auto served = [&](const std::string& name, const char* signatures = nullptr) {
    TlsClient client(balancer.client(), name, TLS1_3_VERSION, nullptr, signatures);
    return client.connected ? client.common_name() : "";
  };
  EXPECT_EQ(served("default.test"), "default");
  EXPECT_EQ(served("WWW.Example.com"), "star");
  EXPECT_EQ(served("a.b.example.com"), "default");
  EXPECT_EQ(served("example.com"), "default");
  EXPECT_EQ(served(""), "default");
  EXPECT_EQ(served("both.test"), "ecdsa");
  EXPECT_EQ(served("both.test", "rsa_pss_rsae_sha256"), "rsa");
}

TEST(Tls, SessionsAreResumedAlsoAfterAnotherSnapshot) {
  TestTarget target(TestTarget::says("x"));
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient first(balancer.client(), "default.test", version);
    first.send(kGet);
    first.read_head();
    first.read(1);
    EXPECT_FALSE(first.resumed());
    SSL_SESSION* session = first.session();
    balancer.apply();
    TlsClient second(balancer.client(), "default.test", version, session);
    EXPECT_TRUE(second.connected);
    EXPECT_TRUE(second.resumed()) << version;
    SSL_SESSION_free(session);
  }
}

TEST(Tls, AConnectionKeepsTheCertificatesItBeganWith) {
  Secure balancer;
  balancer.apply();
  Socket early = balancer.client();
  while (balancer.engine.connections() == 0) std::this_thread::yield();
  balancer.listener().tls.certificates = {make_certificate("other", "DNS:other.test")};
  balancer.apply();
  TlsClient client(std::move(early), "www.example.com");
  ASSERT_TRUE(client.connected);
  EXPECT_EQ(client.common_name(), "star");
  client.send(kGet);
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 503 "));
}

TEST(Tls, OldVersionsAndRubbishAreRefused) {
  Secure balancer;
  balancer.listener().tls.minimum_version = 13;
  balancer.apply();
  TlsClient old(balancer.client(), "default.test", TLS1_2_VERSION);
  EXPECT_FALSE(old.connected);
  Socket plain = balancer.client();
  plain.send(kGet);
  plain.read_all();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (balancer.engine.metrics().sets[0].counters["ClientTLSNegotiationErrorCount"] < 2 &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(balancer.engine.metrics().sets[0].counters["ClientTLSNegotiationErrorCount"], 2u);
}

TEST(Tls, ToTheTargets) {
  // The target is a balancer too, with TLS in front of a plain one.
  TestTarget plain(TestTarget::says("behind"));
  Secure inner;
  inner.add_target(plain);
  inner.apply();
  TestBalancer outer;
  outer.group().protocol = Protocol::https;
  outer.group().health_check = {.enabled = true, .protocol = Protocol::https};
  outer.add_target(inner.listener().port);
  outer.apply();
  Socket client = outer.client();
  for (int i = 0; i < 5; ++i) {
    client.send(kGet);
    EXPECT_EQ(read_message(client).body, "behind");
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (outer.engine.target_health().targets[0].state != "healthy" &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(outer.engine.target_health().targets[0].state, "healthy");
  // One that does not speak TLS.
  TestTarget rubbish([](Socket& socket) { socket.try_send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  outer.group().targets[0].port = rubbish.port();
  outer.group().targets[0].id = "plain";
  outer.apply();
  EXPECT_EQ(outer.ask(kGet).status(), 502);
}

}  // namespace
}  // namespace landfall::proxy::testing
