#include "services/ec2/defaults.h"

#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

constexpr std::string_view kDefaultBlock = "172.31.0.0/16";

std::string subnet_block(std::size_t index) { return fmt::format("172.31.{}.0/20", index * 16); }

}  // namespace

task<Result<void>> commit(Ec2& ec2, store::Transaction transaction) {
  LF_CO_TRY(done, co_await ec2.store.commit(std::move(transaction)));
  if (!done.succeeded)
    co_return fail("InternalError", "a record changed while it was written", 500);
  co_return Result<void>();
}

SecurityRuleRecord allow_all_egress(Ec2& ec2) {
  SecurityRuleRecord rule;
  rule.id = ec2.new_id("sgr");
  rule.egress = true;
  rule.protocol = "-1";
  rule.cidr = "0.0.0.0/0";
  return rule;
}

void add_vpc(Ec2& ec2, const Tables& tables, VpcRecord& vpc, store::Transaction& transaction) {
  RouteTableRecord routes;
  routes.id = ec2.new_id("rtb");
  routes.vpc_id = vpc.id;
  routes.associations = {{ec2.new_id("rtbassoc"), ""}};

  SecurityGroupRecord group;
  group.id = ec2.new_id("sg");
  group.vpc_id = vpc.id;
  group.name = "default";
  group.description = "default VPC security group";
  SecurityRuleRecord from_itself;
  from_itself.id = ec2.new_id("sgr");
  from_itself.protocol = "-1";
  from_itself.group_id = group.id;
  from_itself.group_owner = tables.scope.account;
  group.rules = {from_itself, allow_all_egress(ec2)};

  NetworkAclRecord acl;
  acl.id = ec2.new_id("acl");
  acl.vpc_id = vpc.id;
  for (const bool egress : {true, false}) {
    acl.entries.push_back({egress, 100, "-1", true, "0.0.0.0/0"});
    acl.entries.push_back({egress, kLastAclEntry, "-1", false, "0.0.0.0/0"});
  }

  vpc.main_route_table_id = routes.id;
  vpc.default_security_group_id = group.id;
  vpc.default_network_acl_id = acl.id;
  vpc.cidr_association_id = ec2.new_id("vpc-cidr-assoc");
  auto& operations = transaction.operations;
  operations.push_back(tables.route_tables.put(routes.id, routes));
  operations.push_back(tables.security_groups.put(group.id, group));
  operations.push_back(tables.network_acls.put(acl.id, acl));
  operations.push_back(tables.vpcs.put(vpc.id, vpc));
}

task<Result<VpcRecord>> make_default_vpc(Ec2& ec2, Scope scope) {
  const Tables tables = ec2.tables(scope);
  store::Transaction transaction;
  auto& operations = transaction.operations;

  // One set of DHCP options per region, made with the first default VPC.
  std::string options_id;
  for (const auto& row : tables.dhcp_options.list()) {
    if (row.value.by_amazon) options_id = row.id;
  }
  if (options_id.empty()) {
    DhcpOptionsRecord options;
    options.id = options_id = ec2.new_id("dopt");
    options.values = {{"domain-name", {internal_domain(scope.region)}},
                      {"domain-name-servers", {std::string(kAmazonDns)}}};
    options.by_amazon = true;
    operations.push_back(tables.dhcp_options.put(options.id, options));
  }

  VpcRecord vpc;
  vpc.id = ec2.new_id("vpc");
  vpc.cidr = kDefaultBlock;
  vpc.is_default = true;
  vpc.dns_hostnames = true;
  vpc.dhcp_options_id = options_id;
  add_vpc(ec2, tables, vpc, transaction);

  InternetGatewayRecord gateway;
  gateway.id = ec2.new_id("igw");
  gateway.vpc_id = vpc.id;
  operations.push_back(tables.internet_gateways.put(gateway.id, gateway));
  // The main route table again, now with the way out: the later write of a transaction counts.
  RouteTableRecord routes;
  routes.id = vpc.main_route_table_id;
  routes.vpc_id = vpc.id;
  routes.routes = {{"0.0.0.0/0", gateway.id}};
  routes.associations = {{ec2.new_id("rtbassoc"), ""}};
  operations.push_back(tables.route_tables.put(routes.id, routes));

  const auto zones = zones_of(scope.region);
  for (std::size_t i = 0; i < zones.size(); ++i) {
    SubnetRecord subnet;
    subnet.id = ec2.new_id("subnet");
    subnet.vpc_id = vpc.id;
    subnet.cidr = subnet_block(i);
    subnet.zone = zones[i].name;
    subnet.default_for_zone = true;
    subnet.map_public_ip_on_launch = true;
    operations.push_back(tables.subnets.put(subnet.id, subnet));
  }
  operations.push_back(tables.defaults.put("default", {vpc.id}));
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  co_return vpc;
}

task<Result<Tables>> open_tables(Ec2& ec2, Scope scope) {
  Tables tables = ec2.tables(scope);
  if (!tables.defaults.get("default")) {
    const auto guard = co_await ec2.writing.enter();
    if (!tables.defaults.get("default")) LF_CO_OK(co_await make_default_vpc(ec2, scope));
  }
  co_return tables;
}

}  // namespace landfall::ec2
