// Targets that speak HTTP/2, among them those of gRPC.
#include "proxy/http2/testing_http2.h"

namespace landfall::proxy::testing {
namespace {

struct ToHttp2 : Secure {
  explicit ToHttp2(const Http2Target& target, ProtocolVersion version = ProtocolVersion::http2) {
    group().version = version;
    add_target(target.port());
    apply();
  }
};

Http2Target::Reply mirror(const Http2Target::Request& request) {
  std::string body;
  for (const auto& [name, value] : request.fields) body += name + "=" + value + "\n";
  return {.fields = {{":status", "200"}, {"x-mixed", "Case"}}, .body = body + request.body};
}

const Fields kGrpc = {{"content-type", "application/grpc+proto"}, {"te", "trailers"}};

TEST(Http2Target, RequestsAreForwardedOverOneConnection) {
  Http2Target target(mirror);
  ToHttp2 balancer(target);
  Http2Client client(balancer);
  const Answer& answer = client.wait(client.ask("GET", "/a?b=c", "", {{"te", "trailers"}}));
  EXPECT_EQ(answer.fields.at(":status"), "200");
  EXPECT_EQ(answer.fields.at("x-mixed"), "Case");
  EXPECT_NE(answer.body.find(":path=/a?b=c\n"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(":scheme=http\n"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(fmt::format(":authority=h2.test:{}\n", balancer.listener().port)),
            std::string::npos)
      << answer.body;
  EXPECT_NE(answer.body.find("x-forwarded-proto=https\n"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("te=trailers\n"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("host="), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("transfer-encoding"), std::string::npos) << answer.body;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(client.ask("GET", fmt::format("/{}", i)));
  for (int i = 0; i < 60; ++i) {
    EXPECT_NE(client.wait(ids[static_cast<std::size_t>(i)]).body.find(fmt::format("path=/{}\n", i)),
              std::string::npos);
  }
  EXPECT_EQ(target.accepted(), 1);
}

TEST(Http2Target, LargeBodiesStreamBothWays) {
  Http2Target target([](const Http2Target::Request& request) -> Http2Target::Reply {
    return {.fields = {{":status", "200"}}, .body = request.body};
  });
  ToHttp2 balancer(target);
  Http2Client client(balancer);
  std::string large(3'000'000, 'z');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>(i % 251);
  EXPECT_EQ(client.wait(client.ask("POST", "/", large)).body, large);
  EXPECT_EQ(client.wait(client.ask("PUT", "/", large, {{"content-length", "3000000"}})).body,
            large);
}

TEST(Http2Target, TrailersGoBothWays) {
  Http2Target target([](const Http2Target::Request& request) -> Http2Target::Reply {
    const auto sum = request.trailers.find("x-sum");
    return {.fields = {{":status", "200"}, {"content-type", "application/grpc"}},
            .body = request.body,
            .trailers = {{"grpc-status", "0"},
                         {"x-seen", sum == request.trailers.end() ? "nothing" : sum->second}}};
  });
  ToHttp2 balancer(target, ProtocolVersion::grpc);
  Http2Client client(balancer);
  const Answer& answer =
      client.wait(client.ask("POST", "/a.B/C", "hello", kGrpc, {{"x-sum", "42"}}));
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.fields.at(":status"), "200");
  EXPECT_EQ(answer.trailers.at("grpc-status"), "0");
  EXPECT_EQ(answer.trailers.at("x-seen"), "42");
  EXPECT_EQ(balancer.engine.metrics().sets.at(0).counters.at("GrpcRequestCount"), 1u);
}

TEST(Http2Target, AnswersThatAreTrailersOnly) {
  Http2Target target([](const Http2Target::Request&) -> Http2Target::Reply {
    return {
        .fields = {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "5"}}};
  });
  ToHttp2 balancer(target, ProtocolVersion::grpc);
  Http2Client client(balancer);
  const Answer& answer = client.wait(client.ask("POST", "/", "x", kGrpc));
  EXPECT_EQ(answer.fields.at("grpc-status"), "5");
  EXPECT_FALSE(answer.fields.contains("content-length"));
  EXPECT_EQ(answer.error, 0u);
}

TEST(Http2Target, ProtocolsThatDoNotFitAreRefused) {
  Http2Target target(mirror);
  ToHttp2 balancer(target, ProtocolVersion::grpc);
  Http2Client client(balancer);
  EXPECT_EQ(client.wait(client.ask("GET", "/")).fields.at(":status"), "464");
  EXPECT_EQ(client.wait(client.ask("POST", "/", "x")).fields.at(":status"), "200");
  const auto ask_http1 = [&] {
    TlsClient plain(balancer.client(), "default.test", TLS1_3_VERSION);
    plain.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    return plain.read_head().substr(0, 12);
  };
  EXPECT_EQ(ask_http1(), "HTTP/1.1 464");
  balancer.group().version = ProtocolVersion::http2;
  balancer.apply();
  EXPECT_EQ(ask_http1(), "HTTP/1.1 464");
  EXPECT_EQ(client.wait(client.ask("GET", "/")).fields.at(":status"), "200");
  balancer.group().version = ProtocolVersion::http1;
  balancer.apply();
  const Answer& refused = client.wait(client.ask("POST", "/", "x", kGrpc));
  EXPECT_EQ(refused.fields.at(":status"), "464");
  EXPECT_EQ(refused.fields.at("grpc-status"), "2");
  EXPECT_EQ(refused.body, "");
}

TEST(Http2Target, FailuresAreAnswered) {
  Http2Target target([](const Http2Target::Request& request) -> Http2Target::Reply {
    const std::string& path = request.fields.at(":path");
    if (path == "/reset") return {.fields = {}, .reset = true};
    if (path == "/later") return {.fields = {{":status", "200"}}, .body = "half", .reset = true};
    if (path == "/gone") return {.fields = {}, .break_off = true};
    if (path == "/rubbish") return {.fields = {{":status", "099"}, {"a", "b"}}};
    return {.fields = {{":status", "200"}}, .body = "fine"};
  });
  ToHttp2 balancer(target, ProtocolVersion::grpc);
  Http2Client client(balancer);
  const Answer& reset = client.wait(client.ask("POST", "/reset", "x", kGrpc));
  EXPECT_EQ(reset.fields.at(":status"), "502");
  EXPECT_EQ(reset.fields.at("grpc-status"), "14");
  EXPECT_EQ(reset.fields.at("content-type"), "application/grpc");
  EXPECT_EQ(client.wait(client.ask("POST", "/later", "x", kGrpc)).error, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(client.wait(client.ask("POST", "/gone", "x", kGrpc)).fields.at(":status"), "502");
  EXPECT_EQ(client.wait(client.ask("POST", "/rubbish", "x", kGrpc)).fields.at(":status"), "502");
  EXPECT_EQ(client.wait(client.ask("POST", "/", "x", kGrpc)).body, "fine");
  balancer.group().targets[0].port = free_port();
  balancer.apply();
  EXPECT_EQ(client.wait(client.ask("POST", "/", "x", kGrpc)).fields.at(":status"), "502");
  const Metrics metrics = balancer.engine.metrics();
  EXPECT_EQ(metrics.sets.at(1).counters.at("TargetConnectionErrorCount"), 1u);
}

TEST(Http2Target, RefusedRequestsAreSentToAnotherConnection) {
  std::atomic<bool> refusing = true;
  Http2Target target([&](const Http2Target::Request& request) -> Http2Target::Reply {
    if (refusing.exchange(false)) return {.fields = {}, .go_away = true};
    return {.fields = {{":status", "200"}}, .body = request.body};
  });
  ToHttp2 balancer(target);
  Http2Client client(balancer);
  // Not idempotent, but the target has said that it did nothing.
  EXPECT_EQ(client.wait(client.ask("POST", "/", "payload")).body, "payload");
  EXPECT_EQ(target.accepted(), 2);
  EXPECT_EQ(target.requests, 2);
}

TEST(Http2Target, ACancelledStreamIsCancelledAtTheTarget) {
  std::atomic<int> answered = 0;
  Http2Target target([&](const Http2Target::Request& request) -> Http2Target::Reply {
    if (request.fields.at(":path") == "/hang") {
      ++answered;
      return {.fields = {}};
    }
    return {.fields = {{":status", "200"}}, .body = "ok"};
  });
  ToHttp2 balancer(target);
  Http2Client client(balancer);
  const std::int32_t hang = client.ask("GET", "/hang");
  client.flush();
  while (answered == 0) std::this_thread::yield();
  client.reset(hang);
  EXPECT_EQ(client.wait(client.ask("GET", "/")).body, "ok");
  EXPECT_EQ(target.accepted(), 1);  // the connection goes on
}

TEST(Http2Target, LeavesWithItsLastExchange) {
  std::atomic<bool> go = false;
  std::atomic<int> waiting = 0;
  Http2Target target([&](const Http2Target::Request& request) -> Http2Target::Reply {
    if (request.fields.at(":path") == "/slow") {
      ++waiting;
      while (!go) std::this_thread::yield();
    }
    return {.fields = {{":status", "200"}}, .body = "first"};
  });
  Http2Target other([&](const Http2Target::Request&) -> Http2Target::Reply {
    return {.fields = {{":status", "200"}}, .body = "second"};
  });
  ToHttp2 balancer(target);
  Http2Client client(balancer);
  const std::int32_t slow = client.ask("GET", "/slow");
  client.flush();
  while (waiting == 0) std::this_thread::yield();
  balancer.group().targets[0].deregistered_ms = to_unix_ms(SystemClock().now());
  balancer.add_target(other.port());
  balancer.apply();
  EXPECT_EQ(client.wait(client.ask("GET", "/")).body, "second");
  go = true;
  EXPECT_EQ(client.wait(slow).body, "first");
  // The delay over, what is still in flight is ended.
  go = false;
  waiting = 0;
  balancer.group().targets[0].deregistered_ms = 0;
  balancer.group().targets.pop_back();
  balancer.apply();
  const std::int32_t late = client.ask("GET", "/slow");
  client.flush();
  while (waiting == 0) std::this_thread::yield();
  balancer.group().deregistration_delay_seconds = 0;
  balancer.group().targets[0].deregistered_ms = to_unix_ms(SystemClock().now());
  balancer.apply();
  EXPECT_EQ(client.wait(late).fields.at(":status"), "502");
  go = true;
}

std::string health_of(const TestBalancer& balancer) {
  const auto report = balancer.engine.target_health();
  return report.targets.at(0).state + " " + report.targets.at(0).description;
}

TEST(Http2Target, HealthChecks) {
  std::atomic<int> code = 12;
  std::atomic<int> posts = 0;
  Http2Target target([&](const Http2Target::Request& request) -> Http2Target::Reply {
    if (request.fields.at(":method") == "GET") {
      return {.fields = {{":status", request.fields.at(":path") == "/up" ? "204" : "500"}}};
    }
    ++posts;
    EXPECT_EQ(request.body.size(), 5u);
    EXPECT_EQ(request.fields.at("user-agent"), "ELB-HealthChecker/2.0");
    return {.fields = {{":status", "200"}, {"content-type", "application/grpc"}},
            .body = "",
            .trailers = {{"grpc-status", std::to_string(code)}}};
  });
  Secure balancer;
  balancer.group().version = ProtocolVersion::grpc;
  balancer.group().health_check = {.path = "/AWS.ALB/healthcheck", .matcher = "12"};
  balancer.add_target(target.port());
  balancer.apply();
  const auto until = [&](const std::string& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (health_of(balancer) != wanted && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_EQ(health_of(balancer), wanted);
  };
  until("healthy ");
  EXPECT_EQ(posts, 1);
  // Checked anew as another target, with other settings.
  code = 3;
  balancer.group().targets[0].id = "again";
  balancer.group().health_check.unhealthy_threshold = 1;
  balancer.apply();
  until("unhealthy Health checks failed with these codes: [3]");
  balancer.group().targets[0].id = "and again";
  balancer.group().version = ProtocolVersion::http2;
  balancer.group().health_check.path = "/up";
  balancer.group().health_check.matcher = "200-299";
  balancer.apply();
  until("healthy ");
  balancer.group().targets[0].id = "once more";
  balancer.group().health_check.path = "/down";
  balancer.apply();
  until("unhealthy Health checks failed with these codes: [500]");
}

}  // namespace
}  // namespace landfall::proxy::testing
