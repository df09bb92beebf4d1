#include "host/network/firewall.h"

#include <gtest/gtest.h>

namespace landfall::host::network {
namespace {

Cidr cidr(std::string_view text) { return *Cidr::parse(text); }
Ipv4 ip(std::string_view text) { return *Ipv4::parse(text); }

VpcSpec example() {
  VpcSpec vpc{.id = "vpc-0123456789abcdef0", .blocks = {cidr("10.0.0.0/16")}};
  vpc.subnets = {{"subnet-1", cidr("10.0.1.0/24"), {{cidr("0.0.0.0/0"), {}}}},
                 {"subnet-2", cidr("10.0.2.0/24"), {}}};
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
  EXPECT_EQ(rules.chains.at("in_sg_web"), (std::vector<std::string>{"tcp dport 80 accept"}));
  EXPECT_EQ(rules.chains.at("out_sg_web"), (std::vector<std::string>{"accept"}));
  EXPECT_EQ(rules.chains.at("in_sg_db"),
            (std::vector<std::string>{"ip saddr @members_sg_web tcp dport 5432 accept"}));
  EXPECT_TRUE(rules.chains.at("out_sg_db").empty());
  EXPECT_EQ(rules.sets.at("members_sg_web").elements, std::set<std::string>{"10.0.1.10"});
  EXPECT_EQ(rules.chains.at("e00000000000000_in"), (std::vector<std::string>{"jump in_sg_web"}));
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
                "ip saddr 10.1.0.0/16 tcp dport 8000-8010 accept",
                "ip saddr 10.2.0.0/16 meta l4proto udp accept",
                "ip saddr 10.3.0.0/16 ip protocol icmp accept",
                "ip saddr 10.4.0.0/16 ip protocol icmp icmp type 8 accept",
                "ip saddr 10.5.0.0/16 ip protocol icmp icmp type 3 icmp code 4 accept",
                "ip saddr 10.6.0.0/16 meta l4proto 50 accept",
            }));
}

TEST(Firewall, PublicAddressesNeedARouteToAnInternetGateway) {
  const Ruleset rules = compile_firewall(example());
  EXPECT_EQ(rules.maps.at("private_of").elements,
            (std::map<std::string, std::string>{{"198.18.0.10", "10.0.1.10"}}));
  EXPECT_EQ(rules.sets.at("uplink_routes").elements,
            std::set<std::string>{"10.0.1.10 . 0.0.0.0/0"});
}

TEST(Firewall, PrivateSubnetsLeaveThroughTheirNatGateway) {
  VpcSpec vpc = example();
  vpc.subnets[1].routes = {{cidr("0.0.0.0/0"), ip("198.18.0.99")}};
  const Ruleset rules = compile_firewall(vpc);
  EXPECT_EQ(rules.maps.at("public_of").elements.at("10.0.2.10"), "198.18.0.99");
  EXPECT_FALSE(rules.maps.at("private_of").elements.contains("198.18.0.99"));
  EXPECT_TRUE(rules.sets.at("uplink_routes").elements.contains("10.0.2.10 . 0.0.0.0/0"));
}

TEST(Firewall, RoutesInsideOthersAddNothing) {
  VpcSpec vpc = example();
  vpc.subnets[0].routes = {
      {cidr("1.2.3.0/24"), {}}, {cidr("0.0.0.0/0"), {}}, {cidr("0.0.0.0/0"), {}}};
  EXPECT_EQ(compile_firewall(vpc).sets.at("uplink_routes").elements,
            std::set<std::string>{"10.0.1.10 . 0.0.0.0/0"});
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

TEST(Firewall, AnInterfaceThatLeavesTakesItsElementsBeforeItsChains) {
  VpcSpec after = example();
  after.interfaces.erase(after.interfaces.begin());
  const std::string script = change_script(compile_firewall(example()), compile_firewall(after));
  const auto unmapped =
      script.find("delete element inet landfall ingress { \"e00000000000000\" : jump");
  const auto gone = script.find("delete chain inet landfall e00000000000000_in");
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
