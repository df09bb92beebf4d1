#include "proxy/engine/testing.h"
#include "proxy/health/matcher.h"
#include "proxy/health/verdict.h"

namespace landfall::proxy::testing {
namespace {

using Kind = CheckResult::Kind;

TEST(CodeMatcher, Lists) {
  const auto list = CodeMatcher::parse("200,202, 301-399");
  ASSERT_TRUE(list);
  for (const int code : {200, 202, 301, 350, 399}) EXPECT_TRUE(list->matches(code)) << code;
  for (const int code : {199, 201, 300, 400}) EXPECT_FALSE(list->matches(code)) << code;
  for (const char* bad : {"", "x", "200-", "300-200", "200;201", "-1"})
    EXPECT_FALSE(CodeMatcher::parse(bad)) << bad;
}

std::string reason(const Verdict& verdict) {
  TargetHealth out;
  verdict.describe(out);
  return out.state + " " + out.reason;
}

TEST(Verdict, ThresholdsAndReasons) {
  const HealthCheck spec{.healthy_threshold = 3, .unhealthy_threshold = 2};
  Verdict verdict;
  EXPECT_EQ(reason(verdict), "initial Elb.RegistrationInProgress");
  EXPECT_FALSE(verdict.take({Kind::timed_out}, spec));
  EXPECT_EQ(reason(verdict), "initial Elb.InitialHealthChecking");
  EXPECT_TRUE(verdict.take({Kind::passed}, spec));  // a new one needs one success
  EXPECT_EQ(reason(verdict), "healthy ");
  EXPECT_FALSE(verdict.take({Kind::failed}, spec));
  EXPECT_FALSE(verdict.take({Kind::passed}, spec));
  EXPECT_FALSE(verdict.take({Kind::failed}, spec));
  EXPECT_TRUE(verdict.take({Kind::code_mismatch, 500}, spec));
  EXPECT_EQ(reason(verdict), "unhealthy Target.ResponseCodeMismatch");
  TargetHealth described;
  verdict.describe(described);
  EXPECT_EQ(described.description, "Health checks failed with these codes: [500]");
  EXPECT_FALSE(verdict.take({Kind::timed_out}, spec));
  EXPECT_EQ(reason(verdict), "unhealthy Target.Timeout");
  EXPECT_FALSE(verdict.take({Kind::passed}, spec));
  EXPECT_FALSE(verdict.take({Kind::passed}, spec));
  EXPECT_TRUE(verdict.take({Kind::passed}, spec));
  EXPECT_EQ(reason(verdict), "healthy ");
}

struct Checked : TestBalancer {
  Checked() {
    group().health_check = {.interval_seconds = 1, .timeout_seconds = 1, .unhealthy_threshold = 1};
  }
  TargetHealth health(std::size_t target = 0) { return engine.target_health().targets.at(target); }
  void wait_for(const std::string& state, std::size_t target = 0) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (health(target).state != state && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(health(target).state, state) << health(target).reason;
  }
};

TEST(HealthChecks, StatesOfRealTargets) {
  std::string asked;
  std::mutex mutex;
  TestTarget good([&](Socket& socket) {
    const Message request = read_message(socket);
    {
      const std::lock_guard lock(mutex);
      asked = request.head;
    }
    socket.try_send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  TestTarget bad([](Socket& socket) {
    read_message(socket);
    socket.try_send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
  });
  TestTarget silent([](Socket& socket) { socket.read_all(); });
  Checked balancer;
  balancer.group().health_check.path = "/health?deep=1";
  for (const TestTarget* target : {&good, &bad, &silent}) balancer.add_target(*target);
  balancer.add_target(free_port());
  balancer.apply();
  balancer.wait_for("healthy", 0);
  balancer.wait_for("unhealthy", 1);
  EXPECT_EQ(balancer.health(1).reason, "Target.ResponseCodeMismatch");
  balancer.wait_for("unhealthy", 2);
  EXPECT_EQ(balancer.health(2).reason, "Target.Timeout");
  balancer.wait_for("unhealthy", 3);
  EXPECT_EQ(balancer.health(3).reason, "Target.FailedHealthChecks");
  const std::lock_guard lock(mutex);
  EXPECT_TRUE(asked.starts_with("GET /health?deep=1 HTTP/1.1\r\n")) << asked;
  EXPECT_NE(asked.find("User-Agent: ELB-HealthChecker/2.0\r\n"), std::string::npos);
  EXPECT_NE(asked.find(fmt::format("Host: 127.0.0.1:{}\r\n", good.port())), std::string::npos);
}

TEST(HealthChecks, OnlyHealthyTargetsGetRequestsUntilNoneIs) {
  std::atomic<bool> works = true;
  TestTarget flapping([&](Socket& socket) {
    while (!read_message(socket).head.empty())
      if (!socket.try_send(works ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                 : "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno"))
        return;
  });
  TestTarget broken([](Socket& socket) {
    while (!read_message(socket).head.empty())
      if (!socket.try_send("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")) return;
  });
  Checked balancer;
  balancer.add_target(flapping);
  balancer.add_target(broken);
  balancer.apply();
  balancer.wait_for("healthy", 0);
  balancer.wait_for("unhealthy", 1);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(balancer.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").body, "ok");
  works = false;
  balancer.wait_for("unhealthy", 0);
  // Fail open: both get requests again, so nobody sees a 503.
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(balancer.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status(), 500);
}

TEST(HealthChecks, StatesWithoutChecks) {
  TestTarget target(TestTarget::says("x"));
  Checked balancer;
  balancer.add_target(target);
  balancer.group().health_check.enabled = false;
  balancer.apply();
  EXPECT_EQ(balancer.health().state + " " + balancer.health().reason,
            "unavailable Target.HealthCheckDisabled");
  balancer.listener().rules[0].action = {.kind = ActionKind::fixed_response, .status = 200};
  balancer.apply();
  EXPECT_EQ(balancer.health().state + " " + balancer.health().reason, "unused Target.NotInUse");
  balancer.group().targets[0].deregistered_ms = to_unix_ms(SystemClock().now());
  balancer.apply();
  EXPECT_EQ(balancer.health().state + " " + balancer.health().reason,
            "draining Target.DeregistrationInProgress");
}

}  // namespace
}  // namespace landfall::proxy::testing
