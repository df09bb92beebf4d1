// Gates in a running balancer, as far as nobody outside has to answer; logins in full are in
// tests/system/test_b_authentication.py.
#include "proxy/auth/gate.h"

#include "proxy/engine/testing_tls.h"

namespace landfall::proxy::testing {
namespace {

// What a target was sent comes back as its body.
TestTarget::Script echo() {
  return [](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (!request.head.ends_with("\r\n\r\n")) return;
      const std::string seen = request.head + request.body;
      if (!socket.try_send(
              fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", seen.size(), seen)))
        return;
    }
  };
}

struct Guarded : TestBalancer {
  Guarded() : target(echo()) {
    listener().protocol = Protocol::https;
    listener().tls.certificates = {make_certificate("a", "DNS:a.test")};
    add_target(target);
    closed = free_port();
  }
  Action& action() { return listener().rules[0].action; }
  void with_oidc(Unauthenticated what) {
    OidcSettings& oidc = action().oidc.emplace();
    oidc.issuer = "https://127.0.0.1";
    oidc.authorization_endpoint = "https://idp.test/authorize";
    oidc.token_endpoint = oidc.user_info_endpoint = fmt::format("https://127.0.0.1:{}/x", closed);
    oidc.client_id = "me";
    oidc.client_secret = "hush";
    oidc.unauthenticated = what;
  }
  // Head and body of the answer.
  std::string get(const std::string& path, const std::string& fields = "") {
    return send(fmt::format("GET {} HTTP/1.1\r\nHost: a.test\r\n{}Connection: close\r\n\r\n", path,
                            fields));
  }
  std::string send(const std::string& request) {
    TlsClient tls(client(), "a.test");
    if (!tls.connected) return "no connection";
    tls.send(request);
    std::string out;
    for (std::string more = tls.read_some(); !more.empty(); more = tls.read_some()) out += more;
    return out;
  }
  std::uint64_t counted(const std::string& name) {
    std::uint64_t sum = 0;
    for (const CounterSet& set : engine.metrics().sets) {
      const auto found = set.counters.find(name);
      if (found != set.counters.end()) sum += found->second;
    }
    return sum;
  }
  TestTarget target;
  std::uint16_t closed = 0;
};

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const auto begin = text.find(before);
  if (begin == text.npos) return {};
  const auto end = text.find(after, begin + before.size());
  return text.substr(begin + before.size(), end - begin - before.size());
}

TEST(OidcGate, WithoutASessionTheBrowserIsSentAway) {
  Guarded guarded;
  guarded.with_oidc(Unauthenticated::authenticate);
  guarded.apply();
  const std::string answer = guarded.get("/where?a=b");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 302 Found\r\n")) << answer;
  const std::string location = between(answer, "Location: ", "\r\n");
  EXPECT_TRUE(location.starts_with("https://idp.test/authorize?client_id=me&")) << location;
  EXPECT_NE(location.find("redirect_uri=https%3A%2F%2Fa.test%2Foauth2%2Fidpresponse&"),
            location.npos);
  EXPECT_EQ(location.find("where"), location.npos) << "nobody reads the state";
  EXPECT_EQ(between(answer, "AWSALBAuthNonce=", ";").size(), 22u);
  // The second tab keeps the first one's nonce.
  const std::string nonce = between(answer, "AWSALBAuthNonce=", ";");
  EXPECT_EQ(between(guarded.get("/", "Cookie: AWSALBAuthNonce=" + nonce + "\r\n"),
                    "Set-Cookie: AWSALBAuthNonce=", ";"),
            nonce);
  EXPECT_NE(between(guarded.get("/", "Cookie: AWSALBAuthNonce=short\r\n"),
                    "Set-Cookie: AWSALBAuthNonce=", ";"),
            "short");
  EXPECT_TRUE(guarded.get("/" + std::string(9000, 'x')).starts_with("HTTP/1.1 414 "));
  EXPECT_EQ(guarded.target.accepted(), 0);
  EXPECT_EQ(guarded.counted("HTTPCode_ELB_3XX_Count"), 3u);
}

TEST(OidcGate, DenyAndAllow) {
  Guarded guarded;
  guarded.with_oidc(Unauthenticated::deny);
  guarded.apply();
  EXPECT_TRUE(guarded.get("/").starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_TRUE(guarded.get("/", "Cookie: AWSELBAuthSessionCookie-0=forged\r\n")
                  .starts_with("HTTP/1.1 401 "));
  EXPECT_EQ(guarded.target.accepted(), 0);
  guarded.with_oidc(Unauthenticated::allow);
  guarded.apply();
  const std::string seen =
      guarded.get("/",
                  "X-Amzn-Oidc-Identity: root\r\nx_amzn_oidc_data: root\r\nX-Other: kept\r\n"
                  "Cookie: AWSELBAuthSessionCookie-0=forged\r\n");
  EXPECT_TRUE(seen.starts_with("HTTP/1.1 200 OK\r\n")) << seen;
  EXPECT_EQ(seen.find("root"), seen.npos) << seen;
  EXPECT_NE(seen.find("X-Other: kept"), seen.npos);
}

TEST(OidcGate, AnswersOfProvidersAreOnlyTakenFromWhoBegan) {
  Guarded guarded;
  guarded.with_oidc(Unauthenticated::authenticate);
  guarded.apply();
  const std::string begun = guarded.get("/");
  const std::string state = between(begun, "&state=", "&");
  const std::string cookie =
      "Cookie: AWSALBAuthNonce=" + between(begun, "AWSALBAuthNonce=", ";") + "\r\n";
  const std::string path = "/oauth2/idpresponse";
  const auto status = [&](const std::string& query, const std::string& fields) {
    return guarded.get(path + query, fields).substr(9, 3);
  };
  EXPECT_EQ(status("", cookie), "401");
  EXPECT_EQ(status("?state=&code=1", cookie), "401");
  EXPECT_EQ(status("?state=" + state.substr(1) + "&code=1", cookie), "401");
  EXPECT_EQ(status("?state=" + state + "&code=1", ""), "401");
  EXPECT_EQ(
      status("?state=" + state + "&code=1", "Cookie: AWSALBAuthNonce=0123456789012345678901\r\n"),
      "401");
  EXPECT_EQ(status("?state=" + state, cookie), "401") << "no code";
  EXPECT_EQ(status("?state=" + state + "&error=access_denied", cookie), "561");
  EXPECT_EQ(guarded.counted("ELBAuthFailure"), 7u);
  EXPECT_EQ(guarded.counted("ELBAuthError"), 0u);
  // All is well, but the provider is down.
  EXPECT_EQ(status("?state=" + state + "&code=1", cookie), "500");
  EXPECT_EQ(guarded.counted("ELBAuthError"), 1u);
  EXPECT_EQ(guarded.counted("HTTPCode_ELB_500_Count"), 1u);
  // Another client of the provider: the login of the first is none of this one.
  guarded.action().oidc->client_id = "you";
  guarded.apply();
  EXPECT_EQ(status("?state=" + state + "&code=1", cookie), "401");
  // Without logins it is a path like any other.
  guarded.action().oidc.reset();
  guarded.apply();
  EXPECT_EQ(status("?state=" + state + "&code=1", cookie), "200");
}

TEST(OidcGate, AClientThatLeavesWhileItWaits) {
  Guarded guarded;
  guarded.with_oidc(Unauthenticated::authenticate);
  TestTarget silent([](Socket& socket) { socket.read_all(); });
  guarded.action().oidc->token_endpoint = fmt::format("https://127.0.0.1:{}/", silent.port());
  guarded.apply();
  const std::string begun = guarded.get("/");
  {
    TlsClient tls(guarded.client(), "a.test");
    tls.send(
        fmt::format("GET /oauth2/idpresponse?code=1&state={} HTTP/1.1\r\nHost: a.test\r\n"
                    "Cookie: AWSALBAuthNonce={}\r\n\r\n",
                    between(begun, "&state=", "&"), between(begun, "AWSALBAuthNonce=", ";")));
    for (int i = 0; i < 500 && silent.accepted() == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(silent.accepted(), 1);
  }
  // Others are served meanwhile, and the end of the balancer does not wait for the provider.
  EXPECT_TRUE(guarded.get("/").starts_with("HTTP/1.1 302 "));
}

TEST(JwtGate, TokensThatAreNone) {
  Guarded guarded;
  guarded.action().jwt = JwtSettings{
      .jwks_endpoint = fmt::format("https://127.0.0.1:{}/", guarded.closed), .issuer = "me"};
  guarded.apply();
  for (const char* field : {"", "Authorization: Basic eDp5\r\n", "Authorization: Bearer\r\n",
                            "Authorization: Bearer x\r\n", "Authorization: Bearer e30.e30.\r\n",
                            "Authorization: Bearer eyJhbGciOiJub25lIn0.e30.\r\n",
                            "Authorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c\r\n"}) {
    EXPECT_TRUE(guarded.get("/", field).starts_with("HTTP/1.1 401 ")) << field;
  }
  // {"alg":"RS256"}: could be one, but nobody gives us the keys.
  const std::string answer = guarded.send(
      "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 3\r\n"
      "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.AAAA\r\n\r\nabc");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 562 JWKS Request Failed\r\n")) << answer;
  EXPECT_EQ(guarded.target.accepted(), 0);
}

TEST(Admission, BodiesThatWereKeptGetTheirChunksBack) {
  const std::string_view parts[] = {"hello ", "world"};
  const auto text = [](Spans spans) {
    std::string out;
    for (const std::string_view part : spans) out += part;
    return out;
  };
  Admission admission;
  EXPECT_EQ(text(admission.framed(parts, false, true)), "hello world");
  admission.bare = true;
  EXPECT_EQ(text(admission.framed(parts, true, true)), "hello world");
  EXPECT_EQ(text(admission.framed(parts, false, false)), "b\r\nhello world\r\n");
  EXPECT_EQ(text(admission.framed(parts, false, true)), "b\r\nhello world\r\n0\r\n\r\n");
  EXPECT_EQ(text(admission.framed({}, false, true)), "0\r\n\r\n");
  EXPECT_EQ(text(admission.framed({}, false, false)), "");
}

}  // namespace
}  // namespace landfall::proxy::testing
