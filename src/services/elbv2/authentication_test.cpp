#include "services/elbv2/authentication.h"

#include <gtest/gtest.h>

#include "services/elbv2/rules.h"
#include "services/elbv2/shapes.h"

namespace landfall::elbv2 {
namespace {

ListenerRecord https_listener() {
  ListenerRecord out;
  out.protocol = "HTTPS";
  out.load_balancer_type = "application";
  return out;
}

Action oidc() {
  Action out;
  out.type = "authenticate-oidc";
  out.order = 1;
  AuthenticateOidcActionConfig& config = out.authenticate_oidc_config.emplace();
  config.issuer = "https://idp.example.com";
  config.authorization_endpoint = "https://idp.example.com/authorize";
  config.token_endpoint = "https://idp.example.com:8443/token";
  config.user_info_endpoint = "https://idp.example.com/userinfo";
  config.client_id = "client";
  config.client_secret = "hush";
  return out;
}

Action jwt() {
  Action out;
  out.type = "jwt-validation";
  out.order = 1;
  JwtValidationActionConfig& config = out.jwt_validation_config.emplace();
  config.issuer = "me";
  config.jwks_endpoint = "https://idp.example.com/jwks";
  return out;
}

Action fixed() {
  Action out;
  out.type = "fixed-response";
  out.order = 2;
  out.fixed_response_config.emplace().status_code = "200";
  return out;
}

std::string problem_of(const Action& first, const ListenerRecord& listener = https_listener()) {
  const auto done = normalize_actions(listener, {first, fixed()});
  return done ? "" : done.error().code + ": " + done.error().message;
}

TEST(Authentication, AwsDefaultsAreFilledIn) {
  const auto actions = normalize_actions(https_listener(), {fixed(), oidc()});
  ASSERT_TRUE(actions) << actions.error().message;
  ASSERT_EQ(actions->front().type, "authenticate-oidc");
  const AuthenticateOidcActionConfig& config = *actions->front().authenticate_oidc_config;
  EXPECT_EQ(config.session_cookie_name, "AWSELBAuthSessionCookie");
  EXPECT_EQ(config.scope, "openid");
  EXPECT_EQ(config.session_timeout, 604800);
  EXPECT_EQ(config.on_unauthenticated_request, "authenticate");
  EXPECT_EQ(problem_of(jwt()), "");
}

TEST(Authentication, OnlyOneAndOnlyByHttpsAndFirst) {
  ListenerRecord http = https_listener();
  http.protocol = "HTTP";
  EXPECT_TRUE(problem_of(oidc(), http).starts_with("InvalidLoadBalancerAction: "));
  EXPECT_TRUE(problem_of(jwt(), http).starts_with("InvalidLoadBalancerAction: "));
  Action late = oidc();
  late.order = 3;
  EXPECT_TRUE(problem_of(late).starts_with("InvalidLoadBalancerAction: "));
  Action second = jwt();
  second.order = 3;
  Action last = fixed();
  last.order = 4;
  const auto two = normalize_actions(https_listener(), {oidc(), second, last});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, "TooManyActions");
  EXPECT_FALSE(normalize_actions(https_listener(), {oidc()})) << "nothing answers the request";
  Action cognito;
  cognito.type = "authenticate-cognito";
  cognito.order = 1;
  EXPECT_NE(problem_of(cognito).find("no Amazon Cognito"), std::string::npos);
}

TEST(Authentication, WhatCannotWorkIsRefused) {
  const auto with = [](auto change) {
    Action action = oidc();
    change(*action.authenticate_oidc_config);
    return problem_of(action);
  };
  for (const char* url :
       {"", "http://idp.example.com/x", "https://", "https:///x", "idp/x", "https://a b/",
        "https://user@idp/", "https://idp:0/", "https://idp:99999/", "https://idp:/",
        "https://idp/#x", "https://idp/\r\nX: y"}) {
    EXPECT_NE(with([&](auto& config) { config.token_endpoint = url; }), "") << url;
  }
  EXPECT_NE(with([](auto& config) { config.client_id = ""; }), "");
  EXPECT_NE(with([](auto& config) { config.session_timeout = 0; }), "");
  EXPECT_NE(with([](auto& config) { config.session_timeout = 604801; }), "");
  EXPECT_NE(with([](auto& config) { config.session_cookie_name = "a;b"; }), "");
  EXPECT_NE(with([](auto& config) { config.session_cookie_name = ""; }), "");
  EXPECT_NE(with([](auto& config) { config.authentication_request_extra_params["state"] = "x"; }),
            "");
  EXPECT_NE(with([](auto& config) {
              for (int i = 0; i < 11; ++i)
                config.authentication_request_extra_params[fmt::format("p{}", i)] = "x";
            }),
            "");
  const auto with_claim = [](std::string name, std::string format, wire::List<std::string> values) {
    Action action = jwt();
    auto& claim = action.jwt_validation_config->additional_claims.emplace_back();
    claim.name = std::move(name);
    claim.format = std::move(format);
    claim.values = std::move(values);
    return problem_of(action);
  };
  EXPECT_EQ(with_claim("scope", "space-separated-values", {"read", "write"}), "");
  EXPECT_NE(with_claim("scope", "space-separated-values", {"read write"}), "");
  EXPECT_NE(with_claim("exp", "single-string", {"1"}), "");
  EXPECT_NE(with_claim("aud", "single-string", {"a", "b"}), "");
  EXPECT_NE(with_claim("aud", "string-array", {}), "");
  EXPECT_NE(with_claim("aud", "string-array", {std::string(257, 'x')}), "");
}

TEST(Authentication, SecretsAreSealedAndNeverShown) {
  SeededRandom random(1);
  const auto sealer = store::Sealer::from_key(std::string(32, 'k'), random);
  wire::List<Action> actions = {oidc(), fixed()};
  ASSERT_TRUE(seal_secrets(*sealer, "lb/l", actions, nullptr));
  const std::string kept = json::serialize(record::encode(actions));
  EXPECT_EQ(kept.find("hush"), std::string::npos);
  // A change that leaves the secret alone.
  Action changed = oidc();
  changed.authenticate_oidc_config->client_secret.reset();
  changed.authenticate_oidc_config->use_existing_client_secret = true;
  wire::List<Action> next = {changed, fixed()};
  ASSERT_TRUE(seal_secrets(*sealer, "lb/l", next, &actions));
  wire::List<Action> plain = next;
  unseal_secrets(*sealer, "lb/l", plain);
  EXPECT_EQ(plain[0].authenticate_oidc_config->client_secret, "hush");
  proxy::Action out;
  add_authentication(plain, out);
  ASSERT_TRUE(out.oidc);
  EXPECT_EQ(out.oidc->client_secret, "hush");
  // Moved to another listener it does not open.
  plain = next;
  unseal_secrets(*sealer, "lb/other", plain);
  EXPECT_EQ(plain[0].authenticate_oidc_config->client_secret, "");
  // Shown to nobody.
  ListenerRecord listener = https_listener();
  listener.default_actions = next;
  EXPECT_FALSE(to_shape(listener).default_actions[0].authenticate_oidc_config->client_secret);
  EXPECT_FALSE(default_rule(listener).actions[0].authenticate_oidc_config->client_secret);
  RuleRecord rule;
  rule.actions = next;
  EXPECT_FALSE(to_shape(listener, rule).actions[0].authenticate_oidc_config->client_secret);
}

TEST(Authentication, ASecretIsGivenOnceOneWayOrTheOther) {
  SeededRandom random(1);
  const auto sealer = store::Sealer::from_key(std::string(32, 'k'), random);
  const auto refused = [&](std::optional<std::string> secret, bool existing,
                           const wire::List<Action>* former) {
    Action action = oidc();
    action.authenticate_oidc_config->client_secret = std::move(secret);
    action.authenticate_oidc_config->use_existing_client_secret = existing;
    wire::List<Action> actions = {action, fixed()};
    return !seal_secrets(*sealer, "lb/l", actions, former);
  };
  EXPECT_TRUE(refused({}, false, nullptr));
  EXPECT_TRUE(refused("", false, nullptr));
  EXPECT_TRUE(refused({}, true, nullptr)) << "there is none";
  const wire::List<Action> without = {fixed()};
  EXPECT_TRUE(refused({}, true, &without));
  EXPECT_TRUE(refused("both", true, nullptr));
  EXPECT_FALSE(refused("new", false, nullptr));
}

}  // namespace
}  // namespace landfall::elbv2
