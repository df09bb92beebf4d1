// Transforms on the way: what a target sees, and what a client gets when one fails.
#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {
namespace {

// Answers with the head that it got.
TestTarget::Script echoes() {
  return [](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      socket.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                              request.head.size(), request.head));
    }
  };
}

struct Seen {
  std::string line;
  std::string host;
};
Seen seen(const Message& answer) {
  const Message request{.head = answer.body, .body = ""};
  return {request.head.substr(0, request.head.find("\r\n")), request.field("Host")};
}

TEST(TransformedRequests, TargetsSeeTheRewrittenHostAndUrl) {
  TestTarget target(echoes());
  TestBalancer balancer;
  balancer.add_target(target);
  auto& rules = balancer.listener().rules;
  rules.insert(
      rules.begin(),
      {.priority = 1,
       .conditions = {{.field = ConditionField::path_pattern, .values = {"/dp/*"}}},
       .action = {.groups = {{"tg", 1}}},
       .transforms = {
           {TransformKind::host_header, "^mywebsite-(.+).com$", "internal.dev.$1.myweb.com"},
           {TransformKind::url, R"(^\/dp\/([A-Za-z0-9]+)\/?$)", "/product.php?id=$1"}}});
  balancer.apply();
  const std::string suffix = fmt::format(":{}", balancer.listener().port);
  Seen got = seen(balancer.ask("GET /dp/B09G HTTP/1.1\r\nHost: mywebsite-example.com\r\n\r\n"));
  EXPECT_EQ(got.line, "GET /product.php?id=B09G HTTP/1.1");
  EXPECT_EQ(got.host, "internal.dev.example.myweb.com" + suffix);
  // The routing decision stays; without a match the request does, too.
  got = seen(balancer.ask("GET /dp/a/b?c HTTP/1.1\r\nHost: other\r\n\r\n"));
  EXPECT_EQ(got.line, "GET /dp/a/b?c HTTP/1.1");
  EXPECT_EQ(got.host, "other" + suffix);
  got = seen(balancer.ask("GET http://mywebsite-x.com/dp/1 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(got.line, "GET /product.php?id=1 HTTP/1.1");
  EXPECT_EQ(got.host, "internal.dev.x.myweb.com" + suffix);
  got = seen(balancer.ask("GET /dp/1 HTTP/1.1\r\nHost: mywebsite-x.com:8080\r\n\r\n"));
  EXPECT_EQ(got.host, "internal.dev.x.myweb.com" + suffix);
  balancer.balancer().preserve_host_header = true;
  balancer.apply();
  got = seen(balancer.ask("GET /dp/1 HTTP/1.1\r\nHost: mywebsite-x.com:8080\r\n\r\n"));
  EXPECT_EQ(got.host, "internal.dev.x.myweb.com:8080");
  got = seen(balancer.ask("GET /dp/1 HTTP/1.1\r\nHost: other:8080\r\n\r\n"));
  EXPECT_EQ(got.host, "other:8080");
  balancer.listener().rules[0].transforms[0].replace = "inside:81";
  balancer.apply();
  got = seen(balancer.ask("GET /dp/1 HTTP/1.1\r\nHost: mywebsite-x.com:8080\r\n\r\n"));
  EXPECT_EQ(got.host, "inside:81");
}

TEST(TransformedRequests, AFailedTransformIsAnswered500) {
  TestTarget target(echoes());
  TestBalancer balancer;
  balancer.add_target(target);
  balancer.listener().rules[0].transforms = {{TransformKind::url, "^/(.*)$", "$1"}};
  balancer.apply();
  Socket client = balancer.client();
  client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(read_message(client).status(), 500);
  EXPECT_EQ(target.accepted(), 0);
  // An expression that came past every check takes its listener away, not the process.
  balancer.listener().rules[0].transforms = {{TransformKind::url, "(", ""}};
  const auto applied = balancer.engine.apply(balancer.snapshot);
  ASSERT_TRUE(applied);
  ASSERT_EQ(applied->problems.size(), 1u);
  EXPECT_EQ(applied->problems[0].code, "regex-invalid");
}

}  // namespace
}  // namespace landfall::proxy::testing
