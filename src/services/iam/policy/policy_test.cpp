#include <gtest/gtest.h>

#include "services/iam/policy/evaluate.h"

namespace landfall::iam::policy {
namespace {

Principal user(std::string name = "ann") {
  return {.kind = Principal::Kind::user,
          .account = "123456789012",
          .arn = "arn:aws:iam::123456789012:user/" + name,
          .user_id = "AIDAEXAMPLE",
          .name = name};
}

Principal session() {
  return {.kind = Principal::Kind::assumed_role,
          .account = "123456789012",
          .arn = "arn:aws:sts::123456789012:assumed-role/deploy/ci",
          .user_id = "AROAEXAMPLE:ci",
          .name = "deploy",
          .session_name = "ci",
          .role_arn = "arn:aws:iam::123456789012:role/deploy"};
}

std::shared_ptr<const Document> document(std::string_view text,
                                         DocumentKind kind = DocumentKind::identity) {
  auto parsed = Document::parse(text, kind);
  EXPECT_TRUE(parsed) << parsed.error().message << "\n" << text;
  return parsed ? *parsed : std::make_shared<const Document>();
}

std::string statement(std::string_view body) {
  return fmt::format(R"({{"Version":"2012-10-17","Statement":[{{{}}}]}})", body);
}

Verdict ask(const PolicySet& set, std::string action, std::string resource,
            const ContextKeys& context = {}, const Principal& who = user()) {
  return evaluate(set, Question{std::move(action), std::move(resource), context, who});
}

bool allows(std::string_view body, std::string action, std::string resource,
            const ContextKeys& context = {}) {
  return ask({.identity = {document(statement(body))}}, std::move(action), std::move(resource),
             context)
      .allowed;
}

TEST(Policy, ActionsAndResources) {
  EXPECT_TRUE(allows(R"("Effect":"Allow","Action":"*","Resource":"*")", "ecs:RunTask",
                     "arn:aws:ecs:r:1:x"));
  EXPECT_TRUE(allows(R"("Effect":"Allow","Action":"ECS:run*","Resource":"*")", "ecs:RunTask", "*"));
  EXPECT_FALSE(
      allows(R"("Effect":"Allow","Action":"ecs:Run?","Resource":"*")", "ecs:RunTask", "*"));
  EXPECT_TRUE(
      allows(R"("Effect":"Allow","Action":["s3:Get*","s3:Put*"],"Resource":"arn:aws:s3:::b/*")",
             "s3:PutObject", "arn:aws:s3:::b/k/l"));
  EXPECT_FALSE(allows(R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*")",
                      "s3:PutObject", "arn:aws:s3:::B/k"));
  EXPECT_TRUE(allows(R"("Effect":"Allow","NotAction":"iam:*","Resource":"*")", "ecs:RunTask", "*"));
  EXPECT_FALSE(
      allows(R"("Effect":"Allow","NotAction":"iam:*","Resource":"*")", "iam:CreateUser", "*"));
  EXPECT_FALSE(allows(R"("Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::b/*")",
                      "s3:GetObject", "arn:aws:s3:::b/k"));
}

TEST(Policy, GlobsDoNotBacktrackForever) {
  const std::string text(2000, 'a');
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  const auto compiled = Pattern::compile(pattern + "b", false);
  EXPECT_FALSE(compiled.matches(text, {}));
}

TEST(Policy, ExplicitDenyWins) {
  const PolicySet set{
      .identity = {document(statement(R"("Effect":"Allow","Action":"*","Resource":"*")")),
                   document(statement(R"("Effect":"Deny","Action":"ecs:*","Resource":"*")"))}};
  const ContextKeys none;
  const Principal who = user();
  const Question question{"ecs:RunTask", "*", none, who};
  const Verdict verdict = evaluate(set, question);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(denial_message(question, verdict),
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ecs:RunTask on "
            "resource: * with an "
            "explicit deny in an identity-based policy");
  EXPECT_TRUE(ask(set, "ec2:RunInstances", "*").allowed);
}

TEST(Policy, ImplicitDenyNamesWhoFailedToAllow) {
  const ContextKeys none;
  const Principal who = user();
  const Question question{"ecs:RunTask", "arn:x", none, who};
  EXPECT_EQ(denial_message(question, evaluate({}, question)),
            "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ecs:RunTask on "
            "resource: arn:x "
            "because no identity-based policy allows the ecs:RunTask action");
  const auto all = document(statement(R"("Effect":"Allow","Action":"*","Resource":"*")"));
  const auto s3 = document(statement(R"("Effect":"Allow","Action":"s3:*","Resource":"*")"));
  EXPECT_EQ(evaluate({.identity = {all}, .boundary = s3}, question).kind, PolicyKind::boundary);
  EXPECT_EQ(evaluate({.identity = {all}, .session = Documents{s3}}, question).kind,
            PolicyKind::session);
  EXPECT_TRUE(
      evaluate({.identity = {all}, .boundary = all, .session = Documents{all}}, question).allowed);
}

TEST(Policy, Variables) {
  ContextKeys context;
  context.set("aws:username", "ann");
  constexpr const char* kHome =
      R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::home/${aws:username}/*")";
  EXPECT_TRUE(allows(kHome, "s3:GetObject", "arn:aws:s3:::home/ann/x", context));
  EXPECT_FALSE(allows(kHome, "s3:GetObject", "arn:aws:s3:::home/bob/x", context));
  EXPECT_FALSE(allows(kHome, "s3:GetObject", "arn:aws:s3:::home//x"));
  // A value is text, not a pattern.
  context.set("aws:username", "*");
  EXPECT_FALSE(allows(kHome, "s3:GetObject", "arn:aws:s3:::home/bob/x", context));
  EXPECT_TRUE(allows(
      R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::h/${aws:PrincipalTag/team, 'all'}")",
      "s3:GetObject", "arn:aws:s3:::h/all"));
  EXPECT_TRUE(allows(R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::h/${*}")",
                     "s3:GetObject", "arn:aws:s3:::h/*"));
  // Before 2012-10-17 there are no variables.
  const auto old = document(
      R"({"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}})");
  EXPECT_TRUE(ask({.identity = {old}}, "s3:GetObject", "arn:aws:s3:::${aws:username}").allowed);
}

struct ConditionCase {
  const char* block;
  const char* key;
  std::vector<std::string> values;
  bool holds;
};

class Conditions : public testing::TestWithParam<ConditionCase> {};

TEST_P(Conditions, Hold) {
  ContextKeys context;
  if (*GetParam().key) context.set(GetParam().key, GetParam().values);
  EXPECT_EQ(allows(fmt::format(R"("Effect":"Allow","Action":"*","Resource":"*","Condition":{{{}}})",
                               GetParam().block),
                   "s3:GetObject", "*", context),
            GetParam().holds)
      << GetParam().block;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Conditions,
    testing::Values(
        ConditionCase{R"("StringEquals":{"aws:x":["a","b"]})", "AWS:X", {"b"}, true},
        ConditionCase{R"("StringEquals":{"aws:x":"a*"})", "aws:x", {"ab"}, false},
        ConditionCase{R"("StringEquals":{"aws:x":"a"})", "", {}, false},
        ConditionCase{R"("StringNotEquals":{"aws:x":"a"})", "", {}, true},
        ConditionCase{R"("StringNotEquals":{"aws:x":["a","b"]})", "aws:x", {"b"}, false},
        ConditionCase{R"("StringEqualsIgnoreCase":{"aws:x":"ABC"})", "aws:x", {"abc"}, true},
        ConditionCase{R"("StringLike":{"aws:x":"a*c?"})", "aws:x", {"abbbcd"}, true},
        ConditionCase{R"("StringNotLike":{"aws:x":"a*"})", "aws:x", {"abc"}, false},
        ConditionCase{R"("StringEqualsIfExists":{"aws:x":"a"})", "", {}, true},
        ConditionCase{R"("StringEqualsIfExists":{"aws:x":"a"})", "aws:x", {"b"}, false},
        ConditionCase{R"("NumericLessThan":{"aws:x":10})", "aws:x", {"9.5"}, true},
        ConditionCase{R"("NumericGreaterThanEquals":{"aws:x":"10"})", "aws:x", {"9"}, false},
        ConditionCase{R"("NumericEquals":{"aws:x":"10"})", "aws:x", {"ten"}, false},
        ConditionCase{R"("DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"})",
                      "aws:currenttime",
                      {"2026-11-21T10:00:00Z"},
                      true},
        ConditionCase{
            R"("DateLessThan":{"aws:EpochTime":"1000"})", "aws:epochtime", {"2000"}, false},
        ConditionCase{
            R"("Bool":{"aws:SecureTransport":false})", "aws:SecureTransport", {"false"}, true},
        ConditionCase{R"("Bool":{"aws:SecureTransport":"true"})", "", {}, false},
        ConditionCase{R"("BinaryEquals":{"aws:x":"aGk="})", "aws:x", {"aGk="}, true},
        ConditionCase{R"("IpAddress":{"aws:SourceIp":["10.0.0.0/9","192.168.0.0/16"]})",
                      "aws:sourceip",
                      {"192.168.3.4"},
                      true},
        ConditionCase{
            R"("IpAddress":{"aws:SourceIp":"10.0.0.0/9"})", "aws:sourceip", {"10.128.0.1"}, false},
        ConditionCase{
            R"("NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"})", "aws:sourceip", {"10.1.2.3"}, false},
        ConditionCase{R"("IpAddress":{"aws:SourceIp":"2001:db8::/33"})",
                      "aws:sourceip",
                      {"2001:db8:7fff::1"},
                      true},
        ConditionCase{R"("ArnLike":{"aws:x":"arn:aws:ecs:*:1:task/*"})",
                      "aws:x",
                      {"arn:aws:ecs:eu-west-1:1:task/a/b"},
                      true},
        ConditionCase{R"("ArnEquals":{"aws:x":"arn:aws:ecs:*:task/*"})",
                      "aws:x",
                      {"arn:aws:ecs:eu-west-1:1:task/a"},
                      false},
        ConditionCase{R"("ArnNotLike":{"aws:x":"arn:aws:ecs:*:*:*"})",
                      "aws:x",
                      {"arn:aws:iam::1:role/x"},
                      true},
        ConditionCase{R"("Null":{"aws:x":"true"})", "", {}, true},
        ConditionCase{R"("Null":{"aws:x":true})", "aws:x", {"1"}, false},
        ConditionCase{R"("Null":{"aws:x":"false"})", "aws:x", {"1"}, true},
        ConditionCase{R"("ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]})",
                      "aws:tagkeys",
                      {"a", "b"},
                      true},
        ConditionCase{R"("ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]})",
                      "aws:tagkeys",
                      {"a", "c"},
                      false},
        ConditionCase{R"("ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]})", "", {}, true},
        ConditionCase{R"("ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]})",
                      "aws:tagkeys",
                      {"c", "b"},
                      true},
        ConditionCase{R"("ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]})", "", {}, false},
        ConditionCase{R"("ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]})",
                      "aws:tagkeys",
                      {"a", "b"},
                      true},
        ConditionCase{R"("ForAllValues:StringNotLike":{"aws:TagKeys":["x*"]})",
                      "aws:tagkeys",
                      {"a", "xy"},
                      false},
        ConditionCase{
            R"("StringEquals":{"aws:x":"a"},"Bool":{"aws:y":"true"})", "aws:x", {"a"}, false}));

TEST(ResourcePolicies, SameAndOtherAccount) {
  const auto all = document(statement(R"("Effect":"Allow","Action":"*","Resource":"*")"));
  const auto by_user = document(
      statement(
          R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ann"},"Action":"s3:*","Resource":"*")"),
      DocumentKind::resource);
  const auto by_account = document(
      statement(
          R"("Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*")"),
      DocumentKind::resource);
  EXPECT_TRUE(ask({.resource = by_user}, "s3:GetObject", "*").allowed);
  EXPECT_FALSE(ask({.resource = by_user}, "s3:GetObject", "*", {}, user("bob")).allowed);
  // Naming the account leaves the choice to the account's own policies.
  EXPECT_FALSE(ask({.resource = by_account}, "s3:GetObject", "*").allowed);
  EXPECT_TRUE(ask({.identity = {all}, .resource = by_account}, "s3:GetObject", "*").allowed);
  // Across accounts both sides must agree.
  EXPECT_FALSE(
      ask({.resource = by_user, .resource_account = "999999999999"}, "s3:GetObject", "*").allowed);
  EXPECT_FALSE(
      ask({.identity = {all}, .resource_account = "999999999999"}, "s3:GetObject", "*").allowed);
  EXPECT_TRUE(ask({.identity = {all}, .resource = by_user, .resource_account = "999999999999"},
                  "s3:GetObject", "*")
                  .allowed);
  // A session is limited by its session policy even when the bucket names its role.
  const auto by_role = document(
      statement(
          R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/deploy"},"Action":"s3:*","Resource":"*")"),
      DocumentKind::resource);
  const auto ecs = document(statement(R"("Effect":"Allow","Action":"ecs:*","Resource":"*")"));
  EXPECT_TRUE(ask({.resource = by_role}, "s3:GetObject", "*", {}, session()).allowed);
  EXPECT_FALSE(
      ask({.session = Documents{ecs}, .resource = by_role}, "s3:GetObject", "*", {}, session())
          .allowed);
  const auto but_ann = document(
      statement(
          R"("Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/ann"},"Action":"s3:*","Resource":"*")"),
      DocumentKind::resource);
  EXPECT_TRUE(ask({.identity = {all}, .resource = but_ann}, "s3:GetObject", "*").allowed);
  EXPECT_FALSE(
      ask({.identity = {all}, .resource = but_ann}, "s3:GetObject", "*", {}, user("bob")).allowed);
}

TEST(TrustPolicies, ServicesAndUsers) {
  const Principal service{.kind = Principal::Kind::service,
                          .account = "123456789012",
                          .name = "ecs-tasks.amazonaws.com"};
  const auto trust = document(
      statement(
          R"("Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole")"),
      DocumentKind::trust);
  const PolicySet set{.resource = trust, .trust = true};
  EXPECT_TRUE(ask(set, "sts:AssumeRole", "arn:aws:iam::1:role/x", {}, service).allowed);
  Principal other = service;
  other.name = "ec2.amazonaws.com";
  EXPECT_FALSE(ask(set, "sts:AssumeRole", "arn:aws:iam::1:role/x", {}, other).allowed);
  EXPECT_FALSE(ask(set, "sts:AssumeRole", "arn:aws:iam::1:role/x").allowed);
  // Even an administrator must be trusted.
  const auto all = document(statement(R"("Effect":"Allow","Action":"*","Resource":"*")"));
  EXPECT_FALSE(
      ask({.identity = {all}, .resource = trust, .trust = true}, "sts:AssumeRole", "*").allowed);
  const auto account = document(
      statement(
          R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole")"),
      DocumentKind::trust);
  EXPECT_TRUE(
      ask({.identity = {all}, .resource = account, .trust = true}, "sts:AssumeRole", "*").allowed);
  EXPECT_FALSE(ask({.resource = account, .trust = true}, "sts:AssumeRole", "*").allowed);
}

TEST(Policy, AProviderMustBeNamedByTheTrustPolicy) {
  const std::string provider = "arn:aws:iam::123456789012:oidc-provider/id.example.com";
  const Principal who{.kind = Principal::Kind::anonymous, .arn = provider};
  ContextKeys keys;
  keys.set("id.example.com:aud", "app");
  keys.set("id.example.com:sub", "repo:octo/app");
  const auto trusts = [&](std::string_view principal, std::string_view more = "") {
    const auto trust = document(
        statement(fmt::format(
            R"("Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{}{})",
            principal, more)),
        DocumentKind::trust);
    return ask({.resource = trust, .trust = true}, "sts:AssumeRoleWithWebIdentity", "*", keys, who)
        .allowed;
  };
  const std::string named = fmt::format(R"({{"Federated":"{}"}})", provider);
  EXPECT_TRUE(trusts(named));
  EXPECT_TRUE(trusts(named, R"(,"Condition":{"StringEquals":{"id.example.com:aud":"app"},
                                "StringLike":{"ID.example.com:sub":"repo:octo/*"}})"));
  EXPECT_FALSE(trusts(named, R"(,"Condition":{"StringEquals":{"id.example.com:aud":"other"}})"));
  EXPECT_FALSE(trusts(named, R"(,"Condition":{"StringEquals":{"other.example.com:aud":"app"}})"));
  EXPECT_FALSE(trusts(R"("*")"));
  EXPECT_FALSE(trusts(R"({"AWS":"*"})"));
  EXPECT_FALSE(trusts(R"({"Federated":"arn:aws:iam::123456789012:oidc-provider/other"})"));
  const auto denied = document(fmt::format(
                                   R"({{"Version":"2012-10-17","Statement":[
              {{"Effect":"Allow","Action":"sts:*","Principal":{}}},
              {{"Effect":"Deny","Action":"sts:*","Principal":"*"}}]}})",
                                   named),
                               DocumentKind::trust);
  EXPECT_FALSE(
      ask({.resource = denied, .trust = true}, "sts:AssumeRoleWithWebIdentity", "*", keys, who)
          .allowed);
}

struct MalformedCase {
  const char* text;
  DocumentKind kind;
  const char* message;
};

class Malformed : public testing::TestWithParam<MalformedCase> {};

TEST_P(Malformed, IsRefusedInAwsWords) {
  const auto parsed = Document::parse(GetParam().text, GetParam().kind);
  ASSERT_FALSE(parsed) << GetParam().text;
  EXPECT_EQ(parsed.error().code, "MalformedPolicyDocument");
  EXPECT_EQ(parsed.error().message, GetParam().message);
}

constexpr auto kIdentity = DocumentKind::identity;
INSTANTIATE_TEST_SUITE_P(
    Table, Malformed,
    testing::Values(
        MalformedCase{"{", kIdentity, "This policy contains invalid Json"},
        MalformedCase{"[]", kIdentity, "This policy contains invalid Json"},
        MalformedCase{R"({"Version":"2012-10-17"})", kIdentity, "Missing required field Statement"},
        MalformedCase{R"({"Version":"2020-01-01","Statement":[]})", kIdentity,
                      "The policy must contain a valid version string."},
        MalformedCase{R"({"Statement":[],"Extra":1})", kIdentity, "Syntax errors in policy."},
        MalformedCase{R"({"Statement":{"Action":"*","Resource":"*"}})", kIdentity,
                      "Missing required field Effect"},
        MalformedCase{R"({"Statement":{"Effect":"allow","Action":"*","Resource":"*"}})", kIdentity,
                      "Invalid effect: allow"},
        MalformedCase{R"({"Statement":{"Effect":"Allow","Resource":"*"}})", kIdentity,
                      "Missing required field Action"},
        MalformedCase{R"({"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}})", kIdentity,
                      "Policy statement must contain actions."},
        MalformedCase{R"({"Statement":{"Effect":"Allow","Action":"RunTask","Resource":"*"}})",
                      kIdentity,
                      "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
        MalformedCase{R"({"Statement":{"Effect":"Allow","Action":"*"}})", kIdentity,
                      "Policy statement must contain resources."},
        MalformedCase{R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"bucket"}})",
                      kIdentity, "Resource bucket must be in ARN format or \"*\"."},
        MalformedCase{
            R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}})",
            kIdentity, "Policy document should not specify a principal."},
        MalformedCase{
            R"({"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqual":{"a:b":"c"}}}})",
            kIdentity, "Invalid Condition type : StringEqual"},
        MalformedCase{R"({"Statement":{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}})",
                      kIdentity,
                      "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies "
                      "the regular "
                      "expression [0-9A-Za-z]*"},
        MalformedCase{R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}})",
                      DocumentKind::trust, "Missing required field Principal"},
        MalformedCase{
            R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Resource":"*"}})",
            DocumentKind::trust, "Has prohibited field Resource"},
        MalformedCase{
            R"({"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"ann"}}})",
            DocumentKind::trust, "Invalid principal in policy: \"AWS\":\"ann\""}));

}  // namespace
}  // namespace landfall::iam::policy
