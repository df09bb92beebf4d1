#include "services/elbv2/controller/plan.h"

#include <gtest/gtest.h>

#include "services/elbv2/attributes.h"
#include "services/elbv2/controller/snapshot.h"

namespace landfall::elbv2 {
namespace {

using Kind = Step::Kind;

LoadBalancerRecord balancer() {
  LoadBalancerRecord out;
  out.name = "web";
  out.id = "0123456789abcdef";
  out.account = "123456789012";
  out.region = "us-west-1";
  out.type = "application";
  out.scheme = "internet-facing";
  out.security_groups = {"sg-1"};
  out.nodes = {{.subnet_id = "subnet-a", .zone = "us-west-1a"},
               {.subnet_id = "subnet-b", .zone = "us-west-1b"}};
  return out;
}

ObservedInterface interface_in(const std::string& subnet, const std::string& number) {
  return {"eni-" + number, subnet, "10.0.0." + number, "198.18.0." + number, {"sg-1"}};
}

// Applies what a plan says to the world it was made for.
void carry_out(const std::vector<Step>& steps, LoadBalancerRecord& wanted,
               std::vector<ObservedInterface>& world, int& made) {
  for (const Step& step : steps) {
    const auto found = std::ranges::find(world, step.interface_id, &ObservedInterface::id);
    switch (step.kind) {
      case Kind::make_interface: {
        auto added = interface_in(step.subnet_id, std::to_string(++made));
        added.security_groups = wanted.security_groups;
        if (!wanted.internet_facing()) added.public_address.clear();
        world.push_back(added);
        break;
      }
      case Kind::set_security_groups:
        found->security_groups = wanted.security_groups;
        break;
      case Kind::set_public_address:
        found->public_address = wanted.internet_facing() ? "198.18.1.1" : "";
        break;
      case Kind::publish:
        for (NodeRecord& node : wanted.nodes) {
          const auto at = std::ranges::find(world, node.subnet_id, &ObservedInterface::subnet_id);
          node.interface_id = at->id;
          node.private_address = at->private_address;
          node.public_address = at->public_address;
        }
        wanted.state = "active";
        break;
      case Kind::remove_interface:
        world.erase(found);
        break;
      case Kind::remove_name:
      case Kind::forget:
        break;
    }
  }
}

int converge(LoadBalancerRecord& wanted, std::vector<ObservedInterface>& world) {
  int made = 0, rounds = 0;
  for (auto steps = plan(wanted, world); !steps.empty(); steps = plan(wanted, world)) {
    carry_out(steps, wanted, world, made);
    if (++rounds > 8) break;
  }
  return rounds;
}

TEST(Plan, InterfacesFirstThenTheName) {
  LoadBalancerRecord wanted = balancer();
  EXPECT_EQ(plan(wanted, {}), (std::vector<Step>{{Kind::make_interface, "subnet-a"},
                                                 {Kind::make_interface, "subnet-b"}}));
  const std::vector<ObservedInterface> both = {interface_in("subnet-a", "1"),
                                               interface_in("subnet-b", "2")};
  EXPECT_EQ(plan(wanted, both), (std::vector<Step>{{Kind::publish}}));
}

TEST(Plan, WhateverThereIsItConverges) {
  for (int seed = 0; seed < 64; ++seed) {
    LoadBalancerRecord wanted = balancer();
    if (seed & 1) wanted.scheme = "internal";
    std::vector<ObservedInterface> world;
    if (seed & 2) world.push_back(interface_in("subnet-a", "101"));
    if (seed & 4) world.push_back(interface_in("subnet-c", "102"));
    if (seed & 8) world.push_back(interface_in("subnet-b", "103"));
    if (seed & 16)
      for (auto& interface : world) interface.security_groups = {"sg-2", "sg-3"};
    if (seed & 32) wanted.nodes[0].wanted_address = "10.0.0.1";
    EXPECT_LE(converge(wanted, world), 6) << seed;
    EXPECT_EQ(wanted.state, "active") << seed;
    ASSERT_EQ(world.size(), 2u) << seed;
    for (const auto& interface : world) {
      EXPECT_EQ(interface.security_groups, wanted.security_groups) << seed;
      EXPECT_EQ(interface.public_address.empty(), !wanted.internet_facing()) << seed;
    }
  }
}

TEST(Plan, ASubnetIsLeftAfterTheNameHasLeftIt) {
  LoadBalancerRecord wanted = balancer();
  std::vector<ObservedInterface> world;
  converge(wanted, world);
  wanted.nodes = {wanted.nodes[0], {.subnet_id = "subnet-c", .zone = "us-west-1c"}};
  EXPECT_EQ(plan(wanted, world), (std::vector<Step>{{Kind::make_interface, "subnet-c"}}));
  world.push_back(interface_in("subnet-c", "9"));
  EXPECT_EQ(plan(wanted, world).front().kind, Kind::publish);
  int made = 10;
  carry_out(plan(wanted, world), wanted, world, made);
  const auto last = plan(wanted, world);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last.front().kind, Kind::remove_interface);
  EXPECT_EQ(last.front().subnet_id, "subnet-b");
}

TEST(Plan, RemovalEndsWithForgetting) {
  const auto steps = plan_removal({interface_in("subnet-a", "1")});
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps.front().kind, Kind::remove_name);
  EXPECT_EQ(steps.back().kind, Kind::forget);
}

Inventory inventory() {
  Inventory out;
  LoadBalancerRecord record = balancer();
  record.nodes[0].interface_id = "eni-1";
  record.nodes[0].private_address = "10.0.0.1";
  record.attributes["idle_timeout.timeout_seconds"] = "7";
  out.namespaces["eni-1"] = "/run/netns/one";
  TargetGroupRecord group;
  group.name = "tg";
  group.id = "fedcba9876543210";
  group.account = record.account;
  group.region = record.region;
  group.target_type = "ip";
  group.protocol = "HTTP";
  group.protocol_version = "HTTP1";
  group.health_check.path = "/health";
  group.health_check.http_codes = "200";
  group.attributes["stickiness.enabled"] = "true";
  TargetGroupRecord unused = group;
  unused.id = "0";
  unused.name = "unused";
  ListenerRecord listener;
  listener.id = "1111111111111111";
  listener.account = record.account;
  listener.region = record.region;
  listener.load_balancer_id = record.id;
  listener.load_balancer_name = record.name;
  listener.load_balancer_type = record.type;
  listener.protocol = "HTTP";
  listener.port = 80;
  Action forward;
  forward.type = "forward";
  forward.forward_config.emplace().target_groups.emplace_back().target_group_arn = group.arn();
  listener.default_actions.push_back(forward);
  for (const int priority : {20, 10}) {
    RuleRecord rule;
    rule.id = std::to_string(priority);
    rule.listener_key = listener.key();
    rule.priority = priority;
    RuleCondition condition;
    condition.field = "path-pattern";
    condition.values = {"/x"};
    rule.conditions.push_back(condition);
    Action answer;
    answer.type = "fixed-response";
    answer.fixed_response_config.emplace().status_code = "404";
    rule.actions.push_back(answer);
    out.rules.push_back(rule);
  }
  out.targets[group.id] = {
      {.id = "10.0.0.9", .port = 3000, .zone = "us-west-1a", .address = "10.0.0.9"},
      {.id = "10.0.1.9", .port = 3000, .zone = "us-west-1b", .address = "10.0.1.9"},
      {.id = "10.9.9.9", .port = 3000, .zone = "all", .address = "10.9.9.9"}};
  out.load_balancers.push_back(record);
  out.listeners.push_back(listener);
  out.target_groups = {group, unused};
  return out;
}

TEST(Snapshot, HoldsWhatIsInUse) {
  proxy::Snapshot made;
  add_to_snapshot(made, inventory(), {"/b", "/u"});
  ASSERT_EQ(made.load_balancers.size(), 1u);
  const proxy::LoadBalancer& one = made.load_balancers[0];
  EXPECT_EQ(one.name, "app/web/0123456789abcdef");
  EXPECT_EQ(one.idle_timeout_seconds, 7);
  // The second node has no interface yet.
  ASSERT_EQ(one.nodes.size(), 1u);
  EXPECT_EQ(one.nodes[0].network_namespace, "/run/netns/one");
  ASSERT_EQ(one.listeners.size(), 1u);
  ASSERT_EQ(one.listeners[0].rules.size(), 3u);
  EXPECT_EQ(one.listeners[0].rules[0].priority, 10);
  EXPECT_EQ(one.listeners[0].rules[2].priority, 0);
  EXPECT_EQ(one.listeners[0].rules[2].action.kind, proxy::ActionKind::forward);
  ASSERT_EQ(made.target_groups.size(), 1u);
  EXPECT_EQ(made.target_groups[0].stickiness, proxy::Stickiness::lb_cookie);
  // The zone without a node gets no traffic.
  ASSERT_EQ(made.target_groups[0].targets.size(), 2u);
  EXPECT_EQ(made.target_groups[0].targets[1].id, "10.9.9.9");
}

TEST(Snapshot, LogsGoWhereAwsPutsThem) {
  Inventory of = inventory();
  proxy::Snapshot made;
  add_to_snapshot(made, of, {"/b", "/u"});
  EXPECT_EQ(made.load_balancers[0].access_log, proxy::LogPlace());
  of.load_balancers[0].attributes["access_logs.s3.enabled"] = "true";
  of.load_balancers[0].attributes["access_logs.s3.bucket"] = "logs";
  of.load_balancers[0].attributes["access_logs.s3.prefix"] = "my/app";
  of.load_balancers[0].attributes["connection_logs.s3.enabled"] = "true";
  of.load_balancers[0].attributes["connection_logs.s3.bucket"] = "logs";
  made = {};
  add_to_snapshot(made, of, {"/b", "/u"});
  const proxy::LogPlace access{
      "/b/logs/my/app/AWSLogs/123456789012/elasticloadbalancing/us-west-1",
      "123456789012_elasticloadbalancing_us-west-1_app.web.0123456789abcdef", "/u"};
  EXPECT_EQ(made.load_balancers[0].access_log, access);
  const proxy::LogPlace connection{
      "/b/logs/AWSLogs/123456789012/elasticloadbalancing/us-west-1",
      "conn_log.123456789012_elasticloadbalancing_us-west-1_app.web.0123456789abcdef", "/u"};
  EXPECT_EQ(made.load_balancers[0].connection_log, connection);
  of.load_balancers[0].attributes["health_check_logs.s3.enabled"] = "true";
  of.load_balancers[0].attributes["health_check_logs.s3.bucket"] = "logs";
  made = {};
  add_to_snapshot(made, of, {"/b", "/u"});
  EXPECT_EQ(made.load_balancers[0].health_check_log.prefix,
            "health_check_log_123456789012_elasticloadbalancing_us-west-1_app.web.0123456789abcdef");
}

TEST(Attributes, BucketsAndPrefixesBecomeNoOtherFolders) {
  const auto set = [](const std::string& key, const std::string& value) {
    Attributes attributes;
    return bool(
        set_attributes(AttributeOwner::application_load_balancer, attributes, {{key, value}}));
  };
  EXPECT_TRUE(set("access_logs.s3.bucket", "my-logs.example"));
  for (const std::string bad : {"..", "a/b", "../../etc", "Logs", "ab", "a..b", "-ab"})
    EXPECT_FALSE(set("access_logs.s3.bucket", bad)) << bad;
  EXPECT_TRUE(set("connection_logs.s3.prefix", "a/b_c"));
  for (const std::string bad : {"../x", "/x", "x/", "a//b", "a/./b", "AWSLogs", "a b"})
    EXPECT_FALSE(set("connection_logs.s3.prefix", bad)) << bad;
  Attributes attributes;
  EXPECT_FALSE(set_attributes(AttributeOwner::application_load_balancer, attributes,
                              {{"connection_logs.s3.enabled", "true"}}));
}

TEST(Snapshot, AttributesOfListeners) {
  ListenerRecord record;
  record.protocol = "HTTPS";
  record.attributes = {{"routing.http.response.x_frame_options.header_value", "DENY"},
                       {"routing.http.response.server.enabled", "false"},
                       {"routing.http.request.x_amzn_tls_version.header_name", "X-Tls"}};
  proxy::Listener out;
  read_listener_attributes(record, out);
  EXPECT_FALSE(out.server_header);
  ASSERT_EQ(out.response_headers.size(), 1u);
  EXPECT_EQ(out.response_headers[0].name, "X-Frame-Options");
  EXPECT_EQ(out.request_header_names.tls_version, "X-Tls");
  EXPECT_EQ(out.request_header_names.certificate_leaf, "X-Amzn-Mtls-Clientcert-Leaf");
  record = {};
  record.protocol = "TCP";
  record.attributes = {{"tcp.idle_timeout.seconds", "77"}};
  read_listener_attributes(record, out);
  EXPECT_EQ(out.idle_timeout_seconds, 77);
}

TEST(Snapshot, AListenerWithoutItsCertificateIsLeftOut) {
  Inventory of = inventory();
  of.listeners[0].protocol = "HTTPS";
  of.listeners[0].certificate = "arn:one";
  of.listeners[0].certificates = {"arn:two"};
  of.listeners[0].ssl_policy = "ELBSecurityPolicy-2016-08";
  proxy::Snapshot made;
  add_to_snapshot(made, of, {});
  EXPECT_TRUE(made.load_balancers[0].listeners.empty());
  of.certificates["arn:one"] = {"arn:one", "chain", "key"};
  made = {};
  add_to_snapshot(made, of, {});
  ASSERT_EQ(made.load_balancers[0].listeners.size(), 1u);
  const proxy::TlsSettings& tls = made.load_balancers[0].listeners[0].tls;
  EXPECT_EQ(tls.certificates.size(), 1u);
  EXPECT_EQ(tls.minimum_version, 10);
  EXPECT_EQ(tls.maximum_version, 12);
}

}  // namespace
}  // namespace landfall::elbv2
