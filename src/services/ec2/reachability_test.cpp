#include "services/ec2/reachability.h"

#include <gtest/gtest.h>

namespace landfall::ec2 {
namespace {

// A VPC with a public subnet (task, NAT gateway) and a private one (database).
class Reachability : public ::testing::Test {
 public:
  Reachability() {
    vpc.vpc.id = "vpc-1";
    vpc.vpc.cidr = "10.0.0.0/16";
    vpc.subnets = {subnet("subnet-public", "10.0.1.0/24"), subnet("subnet-private", "10.0.2.0/24")};
    vpc.internet_gateways.emplace_back().id = "igw-1";
    RouteTableRecord main, in_private;
    main.id = "rtb-public";
    main.routes = {{"0.0.0.0/0", "igw-1"}};
    main.associations = {{"rtbassoc-1", ""}};
    in_private.id = "rtb-private";
    in_private.routes = {{"0.0.0.0/0", "nat-1"}};
    in_private.associations = {{"rtbassoc-2", "subnet-private"}};
    vpc.route_tables = {main, in_private};
    NatGatewayRecord nat;
    nat.id = "nat-1";
    nat.subnet_id = "subnet-public";
    nat.interface_id = "eni-nat";
    vpc.nat_gateways = {nat};
    vpc.security_groups = {group("sg-task", {everything(true)}),
                           group("sg-db", {from_group("sg-task", 5432)})};
    vpc.interfaces = {interface("eni-task", "subnet-public", "10.0.1.10", "sg-task"),
                      interface("eni-db", "subnet-private", "10.0.2.10", "sg-db"),
                      interface("eni-nat", "subnet-public", "10.0.1.20", "")};
    vpc.interfaces[0].public_address = "198.18.0.10";
    vpc.interfaces[2].public_address = "198.18.0.20";
    vpc.interfaces[2].type = kNatInterfaceType;
    vpc.network_acls.emplace_back().id = "acl-default";
    vpc.network_acls[0].entries = {{true, 100, "-1", true, "0.0.0.0/0"},
                                   {false, 100, "-1", true, "0.0.0.0/0"}};
  }

  static SubnetRecord subnet(std::string id, std::string block) {
    SubnetRecord out;
    out.id = std::move(id);
    out.cidr = std::move(block);
    return out;
  }
  static SecurityGroupRecord group(std::string id, std::vector<SecurityRuleRecord> rules) {
    SecurityGroupRecord out;
    out.id = std::move(id);
    out.rules = std::move(rules);
    return out;
  }
  static SecurityRuleRecord everything(bool egress) {
    SecurityRuleRecord out;
    out.egress = egress;
    out.protocol = "-1";
    out.cidr = "0.0.0.0/0";
    return out;
  }
  static SecurityRuleRecord from_group(std::string id, int port) {
    SecurityRuleRecord out;
    out.protocol = "tcp";
    out.from_port = out.to_port = port;
    out.group_id = std::move(id);
    return out;
  }
  static NetworkInterfaceRecord interface(std::string id, std::string subnet, std::string address,
                                          std::string group) {
    NetworkInterfaceRecord out;
    out.id = std::move(id);
    out.subnet_id = std::move(subnet);
    out.address = std::move(address);
    if (!group.empty()) out.group_ids = {std::move(group)};
    return out;
  }
  PathEnd end(std::size_t index, bool by_public = false) const {
    return {&vpc, &vpc.interfaces[index], {}, by_public};
  }
  static PathEnd outside(std::string_view address) {
    return {nullptr, nullptr, *Ipv4::parse(address)};
  }
  ec2::Reachability ask(const PathEnd& from, const PathEnd& to, std::uint16_t port) const {
    return reachability(from, to, "tcp", port);
  }

  VpcRecords vpc;
};

TEST_F(Reachability, AGroupAdmitsItsMembers) {
  EXPECT_TRUE(ask(end(0), end(1), 5432).allowed);
  const auto other_port = ask(end(0), end(1), 5433);
  EXPECT_EQ(other_port.reason, "no-ingress-rule");
  EXPECT_EQ(other_port.remedy,
            "aws ec2 authorize-security-group-ingress --group-id sg-db --protocol tcp --port 5433 "
            "--source-group sg-task");
}

TEST_F(Reachability, EgressCounts) {
  vpc.security_groups[0].rules.clear();
  EXPECT_EQ(ask(end(0), end(1), 5432).reason, "no-egress-rule");
}

TEST_F(Reachability, TheInternetGoesOutThroughTheNatGatewayOnly) {
  vpc.security_groups[1].rules.push_back(everything(true));
  const auto out = ask(end(1), outside("198.18.9.9"), 443);
  EXPECT_TRUE(out.allowed) << out.why;
  EXPECT_NE(out.why.find("198.18.0.20"), std::string::npos) << "seen as the gateway: " << out.why;
  const auto in = ask(outside("198.18.9.9"), end(1), 443);
  EXPECT_EQ(in.reason, "no-route");
  EXPECT_NE(in.why.find("nat-1 lets connections out, not in"), std::string::npos) << in.why;
  EXPECT_EQ(ask(outside("198.18.9.9"), end(2), 443).reason, "no-route");
}

TEST_F(Reachability, ANatGatewayInAPrivateSubnetLeadsNowhere) {
  vpc.security_groups[1].rules.push_back(everything(true));
  vpc.nat_gateways[0].subnet_id = "subnet-private";
  const auto out = ask(end(1), outside("198.18.9.9"), 443);
  EXPECT_EQ(out.reason, "no-route");
  EXPECT_NE(out.why.find("the subnet subnet-private of nat-1 has itself no route"),
            std::string::npos)
      << out.why;
}

TEST_F(Reachability, ADetachedGatewayLeadsNowhere) {
  vpc.internet_gateways.clear();
  const auto out = ask(end(0), outside("198.18.9.9"), 443);
  EXPECT_EQ(out.reason, "no-route");
  EXPECT_NE(out.why.find("igw-1 is not attached"), std::string::npos) << out.why;
}

TEST_F(Reachability, ThePublicAddressOfANeighbourHidesTheGroup) {
  vpc.interfaces[1].public_address = "198.18.0.30";
  vpc.interfaces[1].subnet_id = "subnet-public";
  EXPECT_TRUE(ask(end(0), end(1), 5432).allowed);
  const auto publicly = ask(end(0), end(1, true), 5432);
  EXPECT_EQ(publicly.reason, "no-ingress-rule");
  EXPECT_NE(publicly.remedy.find("--cidr 198.18.0.10/32"), std::string::npos) << publicly.remedy;
}

TEST_F(Reachability, AccessListsCountInBothDirections) {
  NetworkAclRecord acl;
  acl.id = "acl-db";
  acl.is_default = false;
  acl.associations = {{"aclassoc-1", "subnet-private"}};
  acl.entries = {{false, 100, "6", true, "10.0.1.0/24", 5432, 5432}};
  vpc.network_acls.push_back(acl);
  const auto answers = ask(end(0), end(1), 5432);
  EXPECT_EQ(answers.reason, "no-acl-entry");
  EXPECT_EQ(answers.remedy,
            "aws ec2 create-network-acl-entry --network-acl-id acl-db --egress --rule-number 100 "
            "--protocol tcp --port-range From=1024,To=65535 --cidr-block 10.0.1.10/32 "
            "--rule-action allow");
  vpc.network_acls[1].entries.push_back({true, 100, "6", true, "10.0.1.0/24", 1024, 65535});
  EXPECT_TRUE(ask(end(0), end(1), 5432).allowed);
  vpc.network_acls[1].entries.push_back({false, 90, "-1", false, "10.0.1.10/32"});
  EXPECT_EQ(ask(end(0), end(1), 5432).reason, "no-acl-entry");
  vpc.interfaces[1].subnet_id = "subnet-public";
  EXPECT_TRUE(ask(end(0), end(1), 5432).allowed) << "inside a subnet nobody asks";
}

TEST_F(Reachability, TheListOfTheNatGatewaysSubnetCounts) {
  vpc.security_groups[1].rules.push_back(everything(true));
  NetworkAclRecord acl;
  acl.id = "acl-public";
  acl.is_default = false;
  acl.associations = {{"aclassoc-1", "subnet-public"}};
  acl.entries = {{false, 100, "-1", true, "10.0.0.0/16"}, {true, 100, "-1", true, "0.0.0.0/0"}};
  vpc.network_acls.push_back(acl);
  const auto answers = ask(end(1), outside("198.18.9.9"), 443);
  EXPECT_EQ(answers.reason, "no-acl-entry");
  EXPECT_NE(answers.why.find("acl-public of subnet subnet-public drops the answers"),
            std::string::npos)
      << answers.why;
  vpc.network_acls[1].entries.push_back({false, 200, "6", true, "0.0.0.0/0", 1024, 65535});
  EXPECT_TRUE(ask(end(1), outside("198.18.9.9"), 443).allowed);
}

TEST_F(Reachability, RoutesBecomeDisjointRanges) {
  vpc.route_tables[1].routes = {
      {"0.0.0.0/0", "nat-1"}, {"1.2.3.0/24", "igw-1"}, {"9.0.0.0/8", "igw-gone"}};
  const auto routes = network_of(vpc).subnets[1].routes;
  std::vector<std::string> shown;
  for (const auto& route : routes) {
    shown.push_back(fmt::format("{}-{} {}", route.first.str(), route.last.str(),
                                route.nat_gateway ? route.nat_gateway->str() : "internet"));
  }
  EXPECT_EQ(shown,
            (std::vector<std::string>{"0.0.0.0-1.2.2.255 198.18.0.20", "1.2.3.0-1.2.3.255 internet",
                                      "1.2.4.0-8.255.255.255 198.18.0.20",
                                      "10.0.0.0-255.255.255.255 198.18.0.20"}));
  EXPECT_EQ(network_of(vpc).interfaces.size(), 2u) << "a NAT gateway has no device";
}

}  // namespace
}  // namespace landfall::ec2
