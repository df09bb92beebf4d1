#include "host/network/firewall.h"

#include <gtest/gtest.h>

namespace landfall::host::network {
namespace {

Cidr cidr(std::string_view text) { return *Cidr::parse(text); }
Ipv4 ip(std::string_view text) { return *Ipv4::parse(text); }

ExternalRoute route(std::string_view block, std::optional<Ipv4> nat_gateway = {}) {
  return {cidr(block).base, cidr(block).last(), nat_gateway, ""};
}

VpcSpec example() {
  VpcSpec vpc{.id = "vpc-0123456789abcdef0", .blocks = {cidr("10.0.0.0/16")}};
  vpc.subnets = {{"subnet-1", cidr("10.0.1.0/24"), {route("0.0.0.0/0")}, ""},
                 {"subnet-2", cidr("10.0.2.0/24"), {}, ""}};
  vpc.groups = {
      {"sg-web", {{6, 80, 80, cidr("0.0.0.0/0"), ""}}, {{-1, -1, -1, cidr("0.0.0.0/0"), ""}}},
      {"sg-db", {{6, 5432, 5432, {}, "sg-web"}}, {}}};
  vpc.interfaces = {
      {"eni-00000000000000001", "subnet-1", ip("10.0.1.10"), "", ip("198.18.0.10"), {"sg-web"}},
      {"eni-1111111111111111a", "subnet-2", ip("10.0.2.10"), "", ip("198.18.0.11"), {"sg-db"}}};
  return vpc;
}

TEST(Firewall, RulesOfAGroup) {
  const Ruleset rules = compile_firewall(example());
  EXPECT_EQ(rules.chains.at("in_sg_web"), (std::vector<std::string>{"tcp dport 80 goto open_in"}));
  EXPECT_EQ(rules.chains.at("out_sg_web"), (std::vector<std::string>{"goto open_out"}));
  EXPECT_EQ(rules.chains.at("in_sg_db"),
            (std::vector<std::string>{"ip saddr @members_sg_web tcp dport 5432 goto kept_in"}));
  EXPECT_TRUE(rules.chains.at("out_sg_db").empty());
  EXPECT_EQ(rules.sets.at("members_sg_web").elements, std::set<std::string>{"10.0.1.10"});
  EXPECT_EQ(rules.maps.at("ingress").elements.at("\"e00000000000000\""), "jump in_sg_web");
}

TEST(Firewall, EveryFormOfARule) {
  VpcSpec vpc = example();
  vpc.groups[0].ingress = {
      {6, 8000, 8010, cidr("10.1.0.0/16"), ""},
      {17, 0, 65535, cidr("10.2.0.0/16"), ""},
      {1, -1, -1, cidr("10.3.0.0/16"), ""},
      {1, 8, -1, cidr("10.4.0.0/16"), ""},
      {1, 3, 4, cidr("10.5.0.0/16"), ""},
      {50, -1, -1, cidr("10.6.0.0/16"), ""},
      {-1, -1, -1, {}, "sg-gone"},
      {6, 8000, 8010, cidr("10.1.0.0/16"), ""},
  };
  EXPECT_EQ(compile_firewall(vpc).chains.at("in_sg_web"),
            (std::vector<std::string>{
                "ip saddr 10.1.0.0/16 tcp dport 8000-8010 goto kept_in",
                "ip saddr 10.2.0.0/16 meta l4proto udp goto kept_in",
                "ip saddr 10.3.0.0/16 ip protocol icmp goto kept_in",
                "ip saddr 10.4.0.0/16 ip protocol icmp icmp type 8 goto kept_in",
                "ip saddr 10.5.0.0/16 ip protocol icmp icmp type 3 icmp code 4 goto kept_in",
                "ip saddr 10.6.0.0/16 meta l4proto 50 goto kept_in",
            }));
}

TEST(Firewall, PublicAddressesNeedARouteToAnInternetGateway) {
  const Ruleset rules = compile_firewall(example());
  EXPECT_EQ(rules.maps.at("private_of").elements,
            (std::map<std::string, std::string>{{"198.18.0.10", "10.0.1.10"}}));
  EXPECT_EQ(rules.maps.at("public_of").elements,
            (std::map<std::string, std::string>{{"10.0.1.10 . 0.0.0.0/0", "198.18.0.10"}}));
}

TEST(Firewall, PrivateSubnetsLeaveThroughTheirNatGateway) {
  VpcSpec vpc = example();
  vpc.subnets[1].routes = {route("0.0.0.0/0", ip("198.18.0.99"))};
  const Ruleset rules = compile_firewall(vpc);
  EXPECT_EQ(rules.maps.at("public_of").elements.at("10.0.2.10 . 0.0.0.0/0"), "198.18.0.99");
  EXPECT_FALSE(rules.maps.at("private_of").elements.contains("198.18.0.99"));
}

TEST(Firewall, EveryDestinationHasItsOwnWayOut) {
  VpcSpec vpc = example();
  vpc.subnets[0].routes = {{ip("0.0.0.0"), ip("1.2.2.255"), {}, ""},
                           route("1.2.3.0/24", ip("198.18.0.99"))};
  EXPECT_EQ(compile_firewall(vpc).maps.at("public_of").elements,
            (std::map<std::string, std::string>{{"10.0.1.10 . 0.0.0.0-1.2.2.255", "198.18.0.10"},
                                                {"10.0.1.10 . 1.2.3.0/24", "198.18.0.99"}}));
}

TEST(Firewall, AConnectionIsKeptUnlessItsAnswersMayGoEverywhere) {
  VpcSpec vpc = example();
  const Ruleset rules = compile_firewall(vpc);
  // sg-web lets everything out: what a rule for everybody lets in is judged packet by packet.
  EXPECT_EQ(rules.sets.at("keeps_in").elements, std::set<std::string>{"\"e11111111111111\""});
  EXPECT_EQ(rules.sets.at("keeps_out").elements,
            (std::set<std::string>{"\"e00000000000000\"", "\"e11111111111111\""}));
}

TEST(Firewall, InterfacesWithTheSameGroupsShareAChain) {
  VpcSpec vpc = example();
  vpc.interfaces[0].security_groups = {"sg-web", "sg-db"};
  vpc.interfaces[1].security_groups = {"sg-db", "sg-web"};
  const Ruleset rules = compile_firewall(vpc);
  const auto& ingress = rules.maps.at("ingress").elements;
  const std::string verdict = ingress.at("\"e00000000000000\"");
  EXPECT_EQ(verdict, ingress.at("\"e11111111111111\""));
  ASSERT_TRUE(verdict.starts_with("jump in_all_"));
  EXPECT_EQ(rules.chains.at(verdict.substr(5)),
            (std::vector<std::string>{"jump in_sg_db", "jump in_sg_web"}));
  vpc.interfaces[0].security_groups.clear();
  EXPECT_EQ(compile_firewall(vpc).maps.at("ingress").elements.at("\"e00000000000000\""),
            "goto refused_in");
  vpc.interfaces[0].unguarded = true;
  EXPECT_EQ(compile_firewall(vpc).maps.at("ingress").elements.at("\"e00000000000000\""),
            "goto open_in");
}

const AclRule kAllowAll{true, -1, -1, -1, Cidr{{}, 0}};

TEST(Firewall, AListThatLetsEverythingPassCostsNothing) {
  const Ruleset before = compile_firewall(example());
  VpcSpec vpc = example();
  vpc.acls = {{"acl-1", {kAllowAll}, {kAllowAll}}};
  vpc.subnets[0].acl_id = vpc.subnets[1].acl_id = "acl-1";
  EXPECT_EQ(compile_firewall(vpc), before);
}

TEST(Firewall, AListIsAskedInItsOrderAndNotInsideTheSubnet) {
  VpcSpec vpc = example();
  vpc.acls = {{"acl-1", {{false, 6, 22, 22, cidr("1.2.3.0/24")}, kAllowAll}, {kAllowAll}},
              {"acl-2", {kAllowAll}, {}}};
  vpc.subnets[0].acl_id = "acl-1";
  vpc.subnets[1].acl_id = "acl-2";
  vpc.subnets[1].routes = {{ip("0.0.0.0"), ip("255.255.255.255"), ip("198.18.0.99"), "acl-1"}};
  const Ruleset rules = compile_firewall(vpc);
  EXPECT_EQ(rules.chains.at("acl_in_acl_1"),
            (std::vector<std::string>{"ip saddr 1.2.3.0/24 tcp dport 22 goto refused_in", "return",
                                      "goto refused_in"}));
  EXPECT_EQ(rules.chains.at("acl_out_acl_2"), std::vector<std::string>{"goto refused_out"});
  EXPECT_EQ(rules.chains.at("enter_subnet_1"),
            (std::vector<std::string>{"ip saddr 10.0.1.0/24 return", "jump acl_in_acl_1"}));
  EXPECT_FALSE(rules.chains.contains("leave_subnet_1"));
  EXPECT_EQ(rules.chains.at("leave_subnet_2"),
            (std::vector<std::string>{"ip daddr 10.0.2.0/24 return", "jump acl_out_acl_2",
                                      "oifname \"uplink\" ip daddr 0.0.0.0/0 jump acl_in_acl_1"}));
  EXPECT_EQ(rules.maps.at("acl_in").elements.at("\"e00000000000000\""), "jump enter_subnet_1");
  EXPECT_EQ(rules.maps.at("acl_out").elements.at("\"e11111111111111\""), "jump leave_subnet_2");
}

TEST(Firewall, NoChangeNoScript) {
  EXPECT_EQ(change_script(compile_firewall(example()), compile_firewall(example())), "");
}

TEST(Firewall, ARevokedRuleTouchesOneChain) {
  VpcSpec after = example();
  after.groups[0].ingress.clear();
  EXPECT_EQ(change_script(compile_firewall(example()), compile_firewall(after)),
            "flush chain inet landfall in_sg_web\n");
}

TEST(Firewall, ChangedRulesAloneAreFoundWithoutCompilingTheRest) {
  VpcSpec after = example();
  EXPECT_EQ(changed_chains(example(), after), Chains());
  after.groups[1].ingress.push_back({6, 22, 22, cidr("10.0.0.0/16"), ""});
  const auto chains = changed_chains(example(), after);
  ASSERT_TRUE(chains);
  // As the long way round finds it.
  Ruleset patched = compile_firewall(example());
  for (const auto& [name, rules] : *chains) patched.chains[name] = rules;
  EXPECT_EQ(patched, compile_firewall(after));
  EXPECT_EQ(chains_script(*chains),
            change_script(compile_firewall(example()), compile_firewall(after)));

  // What an interface keeps depends on whether its groups admit everything.
  after.groups[1].egress.push_back({-1, -1, -1, cidr("0.0.0.0/0"), ""});
  EXPECT_FALSE(changed_chains(example(), after));
  VpcSpec moved = example();
  moved.interfaces[0].security_groups = {"sg-db"};
  EXPECT_FALSE(changed_chains(example(), moved));
  VpcSpec grown = example();
  grown.groups.push_back({"sg-new", {}, {}});
  EXPECT_FALSE(changed_chains(example(), grown));
}

TEST(Firewall, FlowsAreCountedWhereTheyPassOrEnd) {
  VpcSpec vpc = example();
  vpc.flows = {{ip("10.0.1.10")}, 0};
  const Ruleset rules = compile_firewall(vpc);
  EXPECT_EQ(rules.sets.at("watched").elements, std::set<std::string>{"10.0.1.10"});
  EXPECT_EQ(rules.chains.at("refused_in"),
            (std::vector<std::string>{"jump count_refused_in", "drop"}));
  EXPECT_EQ(rules.chains.at("count_passed_out").front(),
            "ip saddr @watched meta l4proto { tcp, udp } add @passed_out_ports_0 { ip saddr . ip "
            "daddr . meta l4proto . th sport . th dport counter }");
  EXPECT_EQ(compile_firewall(example()).chains.at("refused_in"), std::vector<std::string>{"drop"});

  // The next window needs four chains and nothing else.
  VpcSpec next = vpc;
  next.flows.generation = 1;
  const auto chains = changed_chains(vpc, next);
  ASSERT_TRUE(chains);
  EXPECT_EQ(chains->size(), 4u);
  Ruleset patched = rules;
  for (const auto& [name, lines] : *chains) patched.chains[name] = lines;
  EXPECT_EQ(patched, compile_firewall(next));
  EXPECT_FALSE(changed_chains(vpc, example()));
}

TEST(Firewall, AnInterfaceThatLeavesTakesItsElementsBeforeItsChains) {
  VpcSpec before = example();
  before.interfaces[0].security_groups = {"sg-web", "sg-db"};
  VpcSpec after = before;
  after.interfaces.erase(after.interfaces.begin());
  const std::string script = change_script(compile_firewall(before), compile_firewall(after));
  const auto unmapped =
      script.find("delete element inet landfall ingress { \"e00000000000000\" : jump");
  const auto gone = script.find("delete chain inet landfall in_all_");
  ASSERT_NE(unmapped, std::string::npos) << script;
  ASSERT_NE(gone, std::string::npos) << script;
  EXPECT_LT(unmapped, gone);
}

TEST(Firewall, AnotherLocalServiceReplacesTheTable) {
  VpcSpec after = example();
  after.blocks = {cidr("10.9.0.0/16")};
  const Ruleset wanted = compile_firewall(after);
  EXPECT_EQ(change_script(compile_firewall(example()), wanted), full_script(wanted));
}

}  // namespace
}  // namespace landfall::host::network
