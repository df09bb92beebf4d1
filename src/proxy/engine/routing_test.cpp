// Rules, actions, weights, stickiness, and configurations that change under traffic.
#include <poll.h>

#include "proxy/engine/testing.h"

namespace landfall::proxy::testing {
namespace {

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Routing, RulesInTheirOrder) {
  TestTarget first(TestTarget::says("first")), second(TestTarget::says("second"));
  TestBalancer balancer;
  balancer.add_target(first);
  TargetGroup other = balancer.group();
  other.id = "other";
  other.targets[0].port = second.port();
  balancer.snapshot.target_groups.push_back(other);
  auto& rules = balancer.listener().rules;
  const Condition api{.field = ConditionField::path_pattern, .values = {"/api/*"}};
  const Condition post{.field = ConditionField::http_request_method, .values = {"POST"}};
  rules.insert(rules.begin(),
               {{.priority = 1,
                 .conditions = {api, post},
                 .action = {.kind = ActionKind::fixed_response,
                            .status = 403,
                            .content_type = "application/json",
                            .body = "{}"}},
                {.priority = 2, .conditions = {api}, .action = {.groups = {{"other", 1}}}}});
  balancer.apply();
  EXPECT_EQ(balancer.ask(kGet).body, "first");
  EXPECT_EQ(balancer.ask("GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n").body, "second");
  const Message fixed =
      balancer.ask("POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(fixed.status(), 403);
  EXPECT_EQ(fixed.field("Content-Type"), "application/json");
  EXPECT_EQ(fixed.body, "{}");
}

TEST(Routing, Redirects) {
  TestBalancer balancer;
  auto& action = balancer.listener().rules[0].action;
  action = {.kind = ActionKind::redirect, .protocol = "HTTPS", .port = "443", .status = 301};
  balancer.apply();
  const auto location = [&](const std::string& target) {
    return balancer.ask("GET " + target + " HTTP/1.1\r\nHost: www.example.com:80\r\n\r\n")
        .field("Location");
  };
  EXPECT_EQ(location("/a/b?x=1"), "https://www.example.com:443/a/b?x=1");
  EXPECT_EQ(location("/"), "https://www.example.com:443/");
  action.path = "/new/#{path}";
  action.query = "old=#{query}";
  action.host = "#{host}.test";
  balancer.apply();
  EXPECT_EQ(location("/a?q"), "https://www.example.com.test:443/new/a?old=q");
  EXPECT_EQ(
      balancer.ask("GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n").status(),
      500);
}

TEST(Routing, WeightsOfGroups) {
  TestTarget first(TestTarget::says("1")), second(TestTarget::says("2"));
  TestBalancer balancer;
  balancer.add_target(first);
  TargetGroup other = balancer.group();
  other.id = "other";
  other.targets[0].port = second.port();
  balancer.snapshot.target_groups.push_back(other);
  balancer.listener().rules[0].action.groups = {{"tg", 3}, {"other", 1}};
  balancer.apply();
  std::map<std::string, int> seen;
  Socket client = balancer.client();
  for (int i = 0; i < 400; ++i) {
    client.send(kGet);
    ++seen[read_message(client).body];
  }
  EXPECT_GT(seen["1"], 230);  // 300 expected; five deviations
  EXPECT_GT(seen["2"], 55);
  // With stickiness a client stays where it began.
  balancer.listener().rules[0].action.group_stickiness_seconds = 60;
  balancer.apply();
  const Message begun = balancer.ask(kGet);
  std::string cookie = begun.field("Set-Cookie");
  cookie = cookie.substr(0, cookie.find(';'));
  EXPECT_TRUE(cookie.starts_with("AWSALBTG=")) << begun.head;
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(balancer.ask("GET / HTTP/1.1\r\nHost: a\r\nCookie: x=y; " + cookie + "\r\n\r\n").body,
              begun.body);
  }
}

TEST(Routing, StickyCookies) {
  TestTarget first(TestTarget::says("1")), second(TestTarget::says("2"));
  TestBalancer balancer;
  balancer.add_target(first);
  balancer.add_target(second);
  balancer.group().stickiness = Stickiness::lb_cookie;
  balancer.apply();
  const Message begun = balancer.ask(kGet);
  std::string cookie = begun.field("Set-Cookie");
  EXPECT_NE(cookie.find("; Expires="), std::string::npos);
  EXPECT_NE(begun.head.find("AWSALBCORS="), std::string::npos);
  EXPECT_NE(begun.head.find("; SameSite=None; Secure"), std::string::npos);
  cookie = cookie.substr(0, cookie.find(';'));
  const std::string sticky = "GET / HTTP/1.1\r\nHost: a\r\nCookie: " + cookie + "\r\n\r\n";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(balancer.ask(sticky).body, begun.body);
  // A forged one is no error, and sticks to nothing.
  std::string forged = sticky;
  forged[forged.find("AWSALB=") + 12] ^= 1;
  std::set<std::string> seen;
  for (int i = 0; i < 4; ++i) seen.insert(balancer.ask(forged).body);
  EXPECT_EQ(seen.size(), 2u);
  // Its target goes: another one.
  balancer.group().targets.erase(balancer.group().targets.begin() + (begun.body == "2"));
  balancer.apply();
  EXPECT_NE(balancer.ask(sticky).body, begun.body);
}

TEST(Routing, ApplicationCookies) {
  const auto says = [](const std::string& name) {
    return [name](Socket& socket) {
      while (!read_message(socket).head.empty())
        if (!socket.try_send(
                "HTTP/1.1 200 OK\r\nSet-Cookie: SESSION=abc\r\nContent-Length: 1\r\n\r\n" + name))
          return;
    };
  };
  TestTarget first(says("1")), second(says("2"));
  TestBalancer balancer;
  balancer.add_target(first);
  balancer.add_target(second);
  balancer.group().stickiness = Stickiness::app_cookie;
  balancer.group().stickiness_cookie = "SESSION";
  balancer.apply();
  const Message begun = balancer.ask(kGet);
  const std::size_t at = begun.head.find("AWSALBAPP-0=");
  ASSERT_NE(at, std::string::npos) << begun.head;
  const std::string cookie = begun.head.substr(at, begun.head.find(';', at) - at);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(
        balancer.ask("GET / HTTP/1.1\r\nHost: a\r\nCookie: SESSION=abc; " + cookie + "\r\n\r\n")
            .body,
        begun.body);
  }
}

TEST(Routing, LeastOutstandingRequestsAvoidsTheBusyOne) {
  std::atomic<bool> release = false;
  TestTarget slow([&](Socket& socket) {
    if (read_message(socket).head.empty()) return;
    while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    socket.try_send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
  });
  TestTarget quick(TestTarget::says("quick"));
  TestBalancer balancer;
  balancer.add_target(slow);
  balancer.add_target(quick);
  balancer.group().algorithm = Algorithm::least_outstanding_requests;
  balancer.apply();
  // One of the first two meets the slow one.
  std::deque<Socket> waiting;
  while (slow.accepted() == 0) {
    waiting.push_back(balancer.client());
    waiting.back().send(kGet);
    // Either the slow one has it, or the quick one is idle again.
    pollfd answer{waiting.back().fd(), POLLIN, 0};
    while (slow.accepted() == 0 && ::poll(&answer, 1, 1) == 0) {
    }
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(balancer.ask(kGet).body, "quick");
  release = true;
}

TEST(Routing, ConfigurationsChangeWithoutLosingARequest) {
  TestTarget first(TestTarget::says("1")), second(TestTarget::says("2"));
  TestBalancer balancer(2);
  balancer.add_target(first);
  balancer.apply();
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0, bad = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      while (!stop) {
        Socket socket = balancer.client();
        for (int k = 0; k < (i % 2 == 0 ? 1 : 20); ++k) {
          socket.send(kGet);
          (read_message(socket).status() == 200 ? good : bad)++;
        }
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    balancer.group().targets[0].port = i % 2 == 0 ? second.port() : first.port();
    balancer.group().targets[0].id = fmt::format("t{}", i);
    balancer.apply();
    const int before = good;
    while (good == before && bad == 0) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GE(good, 60);
  EXPECT_EQ(bad, 0);
}

TEST(Routing, DrainingTargetsFinishWhatTheyHaveUntilTheirTimeIsUp) {
  std::atomic<int> waiting = 0;
  std::atomic<bool> release = false;
  TestTarget leaving([&](Socket& socket) {
    const Message request = read_message(socket);
    if (request.head.empty()) return;
    ++waiting;
    if (request.head.starts_with("GET /ends"))
      while (!release) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    else
      socket.read_all();
    socket.try_send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  TestTarget staying(TestTarget::says("staying"));
  TestBalancer balancer;
  balancer.add_target(leaving);
  balancer.apply();
  Socket ends = balancer.client(), hangs = balancer.client();
  ends.send("GET /ends HTTP/1.1\r\nHost: a\r\n\r\n");
  hangs.send("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n");
  while (waiting < 2) std::this_thread::yield();
  balancer.add_target(staying);
  balancer.group().deregistration_delay_seconds = 2;
  balancer.group().targets[0].deregistered_ms = to_unix_ms(SystemClock().now());
  balancer.apply();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(balancer.ask(kGet).body, "staying");
  release = true;
  EXPECT_EQ(read_message(ends).body, "ok");
  EXPECT_EQ(read_message(hangs).status(), 502);  // the delay has passed
}

}  // namespace
}  // namespace landfall::proxy::testing
