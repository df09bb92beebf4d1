#include "services/elbv2/rules.h"

#include <gtest/gtest.h>

#include "services/elbv2/attributes.h"
#include "services/elbv2/health_check.h"
#include "services/elbv2/ssl_policies.h"

namespace landfall::elbv2 {
namespace {

constexpr const char* kGroup =
    "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/0123456789abcdef";

ListenerRecord http_listener() {
  ListenerRecord out;
  out.protocol = "HTTP";
  out.load_balancer_type = "application";
  return out;
}

Action forward_to(std::string arn) {
  Action out;
  out.type = "forward";
  out.target_group_arn = std::move(arn);
  return out;
}

Action redirect(std::optional<std::string> protocol, std::optional<std::string> path = {}) {
  Action out;
  out.type = "redirect";
  RedirectActionConfig& to = out.redirect_config.emplace();
  to.protocol = std::move(protocol);
  to.path = std::move(path);
  to.status_code = "HTTP_302";
  return out;
}

std::string code_of(const Result<wire::List<Action>>& result) {
  return result ? "" : result.error().code;
}

RuleCondition condition(std::string field, wire::List<std::string> values) {
  RuleCondition out;
  out.field = std::move(field);
  out.values = std::move(values);
  return out;
}

std::string problem_of(wire::List<RuleCondition> conditions) {
  const auto result = normalize_conditions(std::move(conditions));
  return result ? "" : result.error().message;
}

TEST(Actions, TheShortFormOfForwardGetsItsLongForm) {
  const auto actions = normalize_actions(http_listener(), {forward_to(kGroup)});
  ASSERT_TRUE(actions) << actions.error().message;
  const Action& action = actions->front();
  EXPECT_EQ(action.target_group_arn, kGroup);
  ASSERT_TRUE(action.forward_config);
  ASSERT_EQ(action.forward_config->target_groups.size(), 1u);
  EXPECT_EQ(action.forward_config->target_groups[0].weight, 1);
  EXPECT_EQ(action.forward_config->target_group_stickiness_config->enabled, false);
  EXPECT_EQ(target_groups_in(*actions), std::set<std::string>{kGroup});
}

TEST(Actions, OfSeveralGroupsNoneIsInTheShortForm) {
  Action action;
  action.type = "forward";
  ForwardActionConfig& forward = action.forward_config.emplace();
  for (const char* arn : {"arn:one", "arn:two"})
    forward.target_groups.emplace_back().target_group_arn = arn;
  const auto actions = normalize_actions(http_listener(), {action});
  ASSERT_TRUE(actions);
  EXPECT_FALSE(actions->front().target_group_arn);
  forward.target_groups.push_back(forward.target_groups.front());
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {action})), "ValidationError");
  forward.target_groups.resize(6);
  for (int i = 0; i < 6; ++i)
    forward.target_groups[std::size_t(i)].target_group_arn = fmt::format("{}", i);
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {action})),
            "TooManyUniqueTargetGroupsPerLoadBalancer");
}

TEST(Actions, RedirectsAreFilledInAndNeverLoop) {
  const auto actions = normalize_actions(http_listener(), {redirect("HTTPS")});
  ASSERT_TRUE(actions);
  EXPECT_EQ(actions->front().redirect_config->host, "#{host}");
  EXPECT_EQ(actions->front().redirect_config->path, "/#{path}");
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {redirect({})})),
            "InvalidLoadBalancerAction");
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {redirect({}, "no-slash")})),
            "ValidationError");
  ListenerRecord https = http_listener();
  https.protocol = "HTTPS";
  EXPECT_EQ(code_of(normalize_actions(https, {redirect("HTTP")})), "InvalidLoadBalancerAction");
}

TEST(Actions, OneEndsTheRequest) {
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {})), "ValidationError");
  Action first = forward_to(kGroup), second = redirect("HTTPS");
  first.order = 1;
  second.order = 2;
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {first, second})), "TooManyActions");
  Action unknown;
  unknown.type = "authenticate-oidc";
  EXPECT_EQ(code_of(normalize_actions(http_listener(), {unknown})), "InvalidLoadBalancerAction");
  ListenerRecord tcp = http_listener();
  tcp.protocol = "TCP";
  EXPECT_EQ(code_of(normalize_actions(tcp, {redirect("HTTPS")})), "InvalidLoadBalancerAction");
}

TEST(Conditions, BothFormsAreShown) {
  const auto done = normalize_conditions({condition("path-pattern", {"/a*"})});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->front().path_pattern_config->values, wire::List<std::string>{"/a*"});
  RuleCondition host;
  host.field = "host-header";
  host.host_header_config.emplace().values = {"*.example.com"};
  const auto other = normalize_conditions({host});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->front().values, wire::List<std::string>{"*.example.com"});
}

TEST(Conditions, LimitsAreAwsOnes) {
  EXPECT_EQ(problem_of({condition("path-pattern", {"/1", "/2", "/3", "/4", "/5"})}), "");
  EXPECT_EQ(problem_of({condition("path-pattern", {"/1", "/2", "/3", "/4", "/5", "/6"})}),
            "A rule can only have '5' condition values");
  EXPECT_EQ(problem_of({condition("path-pattern", {"/*/?/*/?/*"})}), "");
  EXPECT_EQ(problem_of({condition("path-pattern", {"/*/?/*/?/*/?"})}),
            "A rule can only have '5' condition wildcards");
  EXPECT_NE(problem_of({condition("path-pattern", {std::string(129, 'x')})}), "");
  EXPECT_NE(problem_of({condition("path-pattern", {"/x"}), condition("path-pattern", {"/y"})}), "");
  EXPECT_NE(problem_of({condition("path-pattern", {})}), "");
  EXPECT_NE(problem_of({condition("colour", {"red"})}), "");
  EXPECT_NE(problem_of({}), "");
}

TEST(Conditions, AConfigurationBelongsToItsField) {
  RuleCondition wrong = condition("path-pattern", {"/x"});
  wrong.source_ip_config.emplace().values = {"10.0.0.0/8"};
  EXPECT_NE(problem_of({wrong}), "");
  RuleCondition source;
  source.field = "source-ip";
  source.source_ip_config.emplace().values = {"10.0.0.0/8"};
  EXPECT_EQ(problem_of({source}), "");
  source.source_ip_config->values = {"10.0.0.1"};
  EXPECT_NE(problem_of({source}), "");
  RuleCondition header;
  header.field = "http-header";
  header.http_header_config.emplace().http_header_name = "X-Kind";
  header.http_header_config->regex_values = {"a(b"};
  EXPECT_EQ(problem_of({header}), "'a(b' is not a valid regular expression");
}

std::string problem_of_transform(std::string type, std::string regex, std::string replace) {
  RuleTransform transform;
  RewriteConfig rewrite{.regex = std::move(regex), .replace = std::move(replace)};
  if (type == "url-rewrite") {
    transform.url_rewrite_config.emplace().rewrites.push_back(rewrite);
  } else {
    transform.host_header_rewrite_config.emplace().rewrites.push_back(rewrite);
  }
  transform.type = std::move(type);
  const auto result = check_transforms({transform});
  return result ? "" : result.error().message;
}

TEST(Transforms, OnlyWhatCanHappenIsTaken) {
  const std::string url = "url-rewrite";
  EXPECT_EQ(problem_of_transform(url, "^/a/(.*)$", "/b/$1"), "");
  EXPECT_EQ(problem_of_transform("host-header-rewrite", "^(.*)$", "x.$1"), "");
  EXPECT_EQ(problem_of_transform(url, "^/a$", ""), "");
  EXPECT_NE(problem_of_transform("colour", "a", "b"), "");
  EXPECT_NE(problem_of_transform(url, "", "b"), "");
  EXPECT_NE(problem_of_transform(url, std::string(1025, 'a'), "b"), "");
  EXPECT_EQ(problem_of_transform(url, std::string(1024, 'a'), std::string(1024, 'b')), "");
  EXPECT_NE(problem_of_transform(url, "a", std::string(1025, 'b')), "");
  for (const char* regex : {"(", "(?=a)", "(a)\\1", "\\p{L}"})
    EXPECT_NE(problem_of_transform(url, regex, "b"), "") << regex;
  EXPECT_NE(problem_of_transform(url, "a", "$1"), "");
  EXPECT_NE(problem_of_transform(url, "a", "b c"), "");
  EXPECT_NE(problem_of_transform(url, "a", "b\r\nX: y"), "");
  // What std::regex takes and the proxy does not would have cost the listener.
  RuleCondition path;
  path.field = "path-pattern";
  path.path_pattern_config.emplace().regex_values = {"(?=a)b"};
  EXPECT_NE(problem_of({path}), "");
}

TEST(Attributes, DefaultsAndRanges) {
  const auto owner = AttributeOwner::application_load_balancer;
  Attributes set;
  EXPECT_EQ(attribute_number(owner, set, "idle_timeout.timeout_seconds"), 60);
  ASSERT_TRUE(set_attributes(owner, set, {{"idle_timeout.timeout_seconds", "4000"}}));
  EXPECT_EQ(attribute_number(owner, set, "idle_timeout.timeout_seconds"), 4000);
  for (const char* bad : {"0", "4001", "", "1x", "-1", "99999999999999999999"})
    EXPECT_FALSE(set_attributes(owner, set, {{"idle_timeout.timeout_seconds", bad}})) << bad;
  EXPECT_FALSE(set_attributes(owner, set, {{"nothing", "1"}}));
  // All or nothing.
  EXPECT_FALSE(set_attributes(owner, set, {{"routing.http2.enabled", "false"}, {"nothing", "1"}}));
  EXPECT_TRUE(attribute_flag(owner, set, "routing.http2.enabled"));
  // What would be recorded and not happen is refused; its default is not.
  EXPECT_TRUE(set_attributes(owner, set, {{"waf.fail_open.enabled", "false"}}));
  EXPECT_FALSE(set_attributes(owner, set, {{"waf.fail_open.enabled", "true"}}));
}

TEST(Attributes, HeadersOfListeners) {
  const auto owner = AttributeOwner::https_listener;
  const auto takes = [&](const std::string& key, const std::string& value) {
    Attributes set;
    return set_attributes(owner, set, {{key, value}}).has_value();
  };
  const std::string policy = "routing.http.response.content_security_policy.header_value";
  const std::string version = "routing.http.request.x_amzn_tls_version.header_name";
  EXPECT_TRUE(takes(policy, "default-src 'self'; img-src https://*.example.com"));
  EXPECT_TRUE(takes(policy, std::string(1024, 'a')));
  for (const std::string& bad :
       {std::string(1025, 'a'), std::string("a\r\nX: y"), std::string("\"a\""), std::string(" a"),
        std::string("a$"), std::string("\x80")}) {
    EXPECT_FALSE(takes(policy, bad)) << bad;
  }
  EXPECT_TRUE(takes(version, "X-Tls"));
  for (const char* bad : {"Host", "content-length", "Transfer-Encoding", "X-Forwarded-For", "a b",
                          "a:", "X-Amzn-Tls-Cipher-Suite", "x-amzn-mtls-clientcert"}) {
    EXPECT_FALSE(takes(version, bad)) << bad;
  }
  // Nothing: the default.
  Attributes set;
  ASSERT_TRUE(set_attributes(owner, set, {{version, "X-Tls"}}));
  ASSERT_TRUE(set_attributes(owner, set, {{version, ""}}));
  EXPECT_EQ(attribute(owner, set, version), "X-Amzn-Tls-Version");
  EXPECT_FALSE(takes("tcp.idle_timeout.seconds", "60"));
  EXPECT_TRUE(
      set_attributes(AttributeOwner::tcp_listener, set, {{"tcp.idle_timeout.seconds", "6000"}}));
  EXPECT_FALSE(
      set_attributes(AttributeOwner::tcp_listener, set, {{"tcp.idle_timeout.seconds", "59"}}));
}

TEST(Attributes, ThoseThatExcludeEachOther) {
  const auto owner = AttributeOwner::application_target_group;
  Attributes set;
  ASSERT_TRUE(set_attributes(owner, set, {{"slow_start.duration_seconds", "30"}}));
  EXPECT_FALSE(set_attributes(owner, set,
                              {{"load_balancing.algorithm.type", "least_outstanding_requests"}}));
  ASSERT_TRUE(set_attributes(owner, set, {{"slow_start.duration_seconds", "0"}}));
  EXPECT_FALSE(set_attributes(owner, set,
                              {{"stickiness.enabled", "true"}, {"stickiness.type", "app_cookie"}}));
}

TEST(HealthChecks, DefaultsByProtocol) {
  TargetGroupRecord group;
  group.protocol = "HTTP";
  group.protocol_version = "GRPC";
  EXPECT_EQ(default_health_check(group).path, "/AWS.ALB/healthcheck");
  EXPECT_EQ(default_health_check(group).grpc_codes, "12");
  group.protocol = "TCP";
  group.protocol_version.clear();
  group.health_check = default_health_check(group);
  EXPECT_EQ(group.health_check.protocol, "TCP");
  ASSERT_TRUE(change_health_check(group, {.protocol = "HTTP"}));
  EXPECT_EQ(group.health_check.http_codes, "200-399");
  EXPECT_EQ(group.health_check.timeout_seconds, 6);
}

TEST(HealthChecks, MatchersAreCheckedInFull) {
  TargetGroupRecord group;
  group.protocol = "HTTP";
  group.health_check = default_health_check(group);
  const auto with = [&](const char* codes) {
    Matcher matcher;
    matcher.http_code = codes;
    return change_health_check(group, {.matcher = matcher}).has_value();
  };
  for (const char* good : {"200", "200,202", "200-299", "200-299,404"}) EXPECT_TRUE(with(good));
  for (const char* bad : {"", "199", "500", "200-", "-200", "299-200", "200,,201", "abc"})
    EXPECT_FALSE(with(bad)) << bad;
}

TEST(SecurityPolicies, Tls13HasItsOwnSuites) {
  const SecurityPolicy* policy = find_policy("ELBSecurityPolicy-TLS13-1-2-2021-06");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(openssl_ciphersuites(*policy).starts_with("TLS_AES_128_GCM_SHA256:"));
  EXPECT_TRUE(openssl_ciphers(*policy).starts_with("ECDHE-ECDSA-AES128-GCM-SHA256:"));
  EXPECT_EQ(openssl_ciphers(*policy).find("TLS_"), std::string::npos);
  EXPECT_EQ(find_policy("nothing"), nullptr);
}

}  // namespace
}  // namespace landfall::elbv2
