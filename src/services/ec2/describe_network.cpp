// VPCs, subnets, routes, gateways, network ACLs and DHCP options.
#include "services/ec2/controller/plan.h"
#include "services/ec2/describe.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/regions.h"
#include "services/ec2/tagging.h"

namespace landfall::ec2 {
namespace {

std::string zone_id(const Scope& scope, std::string_view name) {
  for (const Zone& zone : zones_of(scope.region)) {
    if (zone.name == name) return zone.id;
  }
  return {};
}

bool is_active(const Tables& tables, const RouteTableRecord& table, const RouteRecord& route) {
  if (route.target.starts_with("vpce-")) return tables.endpoints.get(route.target).has_value();
  if (route.target.starts_with("igw-")) {
    const auto gateway = tables.internet_gateways.get(route.target);
    return gateway && gateway->value.vpc_id == table.vpc_id;
  }
  const auto gateway = tables.nat_gateways.get(route.target);
  return gateway && gateway->value.carries();
}

const char* state_of(const NatGatewayRecord& gateway) {
  if (gateway.deleted) return "deleted";
  return gateway.failure_code.empty() ? "available" : "failed";
}

}  // namespace

std::string arn_of(const Scope& scope, std::string_view type, std::string_view id) {
  return Arn{"aws", "ec2", scope.region, scope.account, fmt::format("{}/{}", type, id)}.str();
}

Vpc describe(const Tables& tables, const VpcRecord& vpc) {
  Vpc out;
  out.vpc_id = vpc.id;
  out.owner_id = tables.scope.account;
  out.cidr_block = vpc.cidr;
  out.state = "available";
  out.is_default = vpc.is_default;
  out.instance_tenancy = "default";
  out.dhcp_options_id = vpc.dhcp_options_id.empty() ? "default" : vpc.dhcp_options_id;
  VpcCidrBlockAssociation& block = out.cidr_block_association_set.emplace_back();
  block.association_id = vpc.cidr_association_id;
  block.cidr_block = vpc.cidr;
  block.cidr_block_state.emplace().state = "associated";
  out.tags = describe_tags(vpc.tags);
  return out;
}

Facts facts_of(const Tables& tables, const VpcRecord& vpc) {
  return {{"vpc-id", {vpc.id}},
          {"cidr", {vpc.cidr}},
          {"cidr-block", {vpc.cidr}},
          {"cidrBlock", {vpc.cidr}},
          {"cidr-block-association.cidr-block", {vpc.cidr}},
          {"cidr-block-association.association-id", {vpc.cidr_association_id}},
          {"cidr-block-association.state", {"associated"}},
          {"dhcp-options-id", {vpc.dhcp_options_id}},
          {"is-default", {text_of(vpc.is_default)}},
          {"isDefault", {text_of(vpc.is_default)}},
          {"owner-id", {tables.scope.account}},
          {"state", {"available"}}};
}

Subnet describe(const Tables& tables, const SubnetRecord& subnet,
                const std::vector<NetworkInterfaceRecord>& interfaces) {
  const auto used = std::ranges::count(interfaces, subnet.id, &NetworkInterfaceRecord::subnet_id);
  Subnet out;
  out.subnet_id = subnet.id;
  out.subnet_arn = arn_of(tables.scope, "subnet", subnet.id);
  out.vpc_id = subnet.vpc_id;
  out.owner_id = tables.scope.account;
  out.cidr_block = subnet.cidr;
  out.state = "available";
  out.availability_zone = subnet.zone;
  out.availability_zone_id = zone_id(tables.scope, subnet.zone);
  out.available_ip_address_count =
      static_cast<std::int32_t>(usable_addresses(*Cidr::parse(subnet.cidr))) -
      static_cast<std::int32_t>(used);
  out.default_for_az = subnet.default_for_zone;
  out.map_public_ip_on_launch = subnet.map_public_ip_on_launch;
  out.map_customer_owned_ip_on_launch = false;
  out.assign_ipv6_address_on_creation = false;
  out.enable_dns64 = false;
  out.ipv6_native = false;
  out.ipv6_cidr_block_association_set.present = true;
  PrivateDnsNameOptionsOnLaunch& names = out.private_dns_name_options_on_launch.emplace();
  names.hostname_type = subnet.hostname_type;
  names.enable_resource_name_dns_a_record = subnet.hostname_a_record;
  names.enable_resource_name_dns_aaaa_record = false;
  out.tags = describe_tags(subnet.tags);
  return out;
}

Facts facts_of(const Tables& tables, const SubnetRecord& subnet) {
  const std::string id = zone_id(tables.scope, subnet.zone);
  return {{"subnet-id", {subnet.id}},
          {"subnet-arn", {arn_of(tables.scope, "subnet", subnet.id)}},
          {"vpc-id", {subnet.vpc_id}},
          {"cidr", {subnet.cidr}},
          {"cidr-block", {subnet.cidr}},
          {"cidrBlock", {subnet.cidr}},
          {"availability-zone", {subnet.zone}},
          {"availabilityZone", {subnet.zone}},
          {"availability-zone-id", {id}},
          {"availabilityZoneId", {id}},
          {"default-for-az", {text_of(subnet.default_for_zone)}},
          {"defaultForAz", {text_of(subnet.default_for_zone)}},
          {"map-public-ip-on-launch", {text_of(subnet.map_public_ip_on_launch)}},
          {"owner-id", {tables.scope.account}},
          {"ipv6-native", {"false"}},
          {"state", {"available"}}};
}

RouteTable describe(const Tables& tables, const RouteTableRecord& table) {
  RouteTable out;
  out.route_table_id = table.id;
  out.vpc_id = table.vpc_id;
  out.owner_id = tables.scope.account;
  out.propagating_vgws.present = true;
  out.associations.present = true;
  for (const RouteTableAssociationRecord& record : table.associations) {
    RouteTableAssociation& association = out.associations.emplace_back();
    association.main = record.subnet_id.empty();
    association.route_table_association_id = record.id;
    association.route_table_id = table.id;
    if (!record.subnet_id.empty()) association.subnet_id = record.subnet_id;
    association.association_state.emplace().state = "associated";
  }
  if (const auto vpc = tables.vpcs.get(table.vpc_id)) {
    Route& local = out.routes.emplace_back();
    local.destination_cidr_block = vpc->value.cidr;
    local.gateway_id = "local";
    local.origin = "CreateRouteTable";
    local.state = "active";
  }
  for (const RouteRecord& record : table.routes) {
    Route& route = out.routes.emplace_back();
    (record.destination.starts_with("pl-") ? route.destination_prefix_list_id
                                           : route.destination_cidr_block) = record.destination;
    if (record.target.starts_with("nat-")) {
      route.nat_gateway_id = record.target;
    } else {
      route.gateway_id = record.target;
    }
    route.origin = "CreateRoute";
    route.state = is_active(tables, table, record) ? "active" : "blackhole";
  }
  out.tags = describe_tags(table.tags);
  return out;
}

Facts facts_of(const Tables& tables, const RouteTableRecord& table) {
  Facts facts = {{"route-table-id", {table.id}},
                 {"vpc-id", {table.vpc_id}},
                 {"owner-id", {tables.scope.account}},
                 {"association.main", {}},
                 {"association.subnet-id", {}},
                 {"association.gateway-id", {}},
                 {"association.route-table-association-id", {}},
                 {"association.route-table-id", {table.id}},
                 {"route.destination-cidr-block", {}},
                 {"route.destination-prefix-list-id", {}},
                 {"route.gateway-id", {"local"}},
                 {"route.nat-gateway-id", {}},
                 {"route.state", {}}};
  for (const RouteTableAssociationRecord& association : table.associations) {
    facts["association.main"].push_back(text_of(association.subnet_id.empty()));
    if (!association.subnet_id.empty())
      facts["association.subnet-id"].push_back(association.subnet_id);
    facts["association.route-table-association-id"].push_back(association.id);
  }
  for (const RouteRecord& route : table.routes) {
    facts[route.destination.starts_with("pl-") ? "route.destination-prefix-list-id"
                                               : "route.destination-cidr-block"]
        .push_back(route.destination);
    facts[route.target.starts_with("nat-") ? "route.nat-gateway-id" : "route.gateway-id"].push_back(
        route.target);
    facts["route.state"].push_back(is_active(tables, table, route) ? "active" : "blackhole");
  }
  if (const auto vpc = tables.vpcs.get(table.vpc_id)) {
    facts["route.destination-cidr-block"].push_back(vpc->value.cidr);
    facts["route.state"].push_back("active");
  }
  return facts;
}

InternetGateway describe(const Tables& tables, const InternetGatewayRecord& gateway) {
  InternetGateway out;
  out.internet_gateway_id = gateway.id;
  out.owner_id = tables.scope.account;
  out.attachments.present = true;
  if (!gateway.vpc_id.empty()) {
    InternetGatewayAttachment& attachment = out.attachments.emplace_back();
    attachment.vpc_id = gateway.vpc_id;
    attachment.state = "available";
  }
  out.tags = describe_tags(gateway.tags);
  return out;
}

Facts facts_of(const Tables& tables, const InternetGatewayRecord& gateway) {
  Facts facts = {{"internet-gateway-id", {gateway.id}},
                 {"owner-id", {tables.scope.account}},
                 {"attachment.vpc-id", {}},
                 {"attachment.state", {}}};
  if (!gateway.vpc_id.empty()) {
    facts["attachment.vpc-id"] = {gateway.vpc_id};
    facts["attachment.state"] = {"available"};
  }
  return facts;
}

NatGateway describe(const Tables& tables, const NatGatewayRecord& gateway) {
  NatGateway out;
  out.nat_gateway_id = gateway.id;
  out.vpc_id = gateway.vpc_id;
  out.subnet_id = gateway.subnet_id;
  out.state = state_of(gateway);
  if (!gateway.failure_code.empty()) {
    out.failure_code = gateway.failure_code;
    out.failure_message = gateway.failure_message;
  }
  out.connectivity_type = "public";
  out.create_time = gateway.created;
  if (gateway.deleted) out.delete_time = gateway.deleted_at;
  NatGatewayAddress& address = out.nat_gateway_addresses.emplace_back();
  address.allocation_id = gateway.allocation_id;
  address.is_primary = true;
  address.status = "succeeded";
  if (const auto interface = tables.interfaces.get(gateway.interface_id)) {
    address.network_interface_id = interface->id;
    address.private_ip = interface->value.address;
    address.public_ip = interface->value.public_address;
    address.association_id = interface->value.association_id;
  }
  out.tags = describe_tags(gateway.tags);
  return out;
}

Facts facts_of(const Tables&, const NatGatewayRecord& gateway) {
  return {{"nat-gateway-id", {gateway.id}},
          {"vpc-id", {gateway.vpc_id}},
          {"subnet-id", {gateway.subnet_id}},
          {"state", {state_of(gateway)}}};
}

std::vector<AclAssociationRecord> acl_associations(const Tables& tables,
                                                   const NetworkAclRecord& acl) {
  if (!acl.is_default) return acl.associations;
  std::set<std::string> elsewhere;
  for (const auto& row : tables.network_acls.list()) {
    if (row.value.is_default) continue;
    for (const AclAssociationRecord& other : row.value.associations) {
      elsewhere.insert(other.subnet_id);
    }
  }
  std::vector<AclAssociationRecord> out;
  for (const auto& row : tables.subnets.list()) {
    if (row.value.vpc_id != acl.vpc_id || elsewhere.contains(row.id)) continue;
    const auto own = std::ranges::find(acl.associations, row.id, &AclAssociationRecord::subnet_id);
    out.push_back(
        own != acl.associations.end()
            ? *own
            : AclAssociationRecord{fmt::format("aclassoc-{}", row.id.substr(row.id.find('-') + 1)),
                                   row.id});
  }
  return out;
}

NetworkAcl describe(const Tables& tables, const NetworkAclRecord& acl) {
  NetworkAcl out;
  out.network_acl_id = acl.id;
  out.vpc_id = acl.vpc_id;
  out.owner_id = tables.scope.account;
  out.is_default = acl.is_default;
  out.associations.present = true;
  for (const AclAssociationRecord& record : acl_associations(tables, acl)) {
    NetworkAclAssociation& association = out.associations.emplace_back();
    association.network_acl_association_id = record.id;
    association.network_acl_id = acl.id;
    association.subnet_id = record.subnet_id;
  }
  for (const AclEntryRecord& record : acl.entries) {
    NetworkAclEntry& entry = out.entries.emplace_back();
    entry.cidr_block = record.cidr;
    entry.egress = record.egress;
    entry.protocol = record.protocol;
    entry.rule_action = record.allow ? "allow" : "deny";
    entry.rule_number = record.number;
    if (record.protocol == "1") {
      entry.icmp_type_code.emplace().type = record.from_port;
      entry.icmp_type_code->code = record.to_port;
    } else if (record.from_port >= 0) {
      entry.port_range.emplace().from = record.from_port;
      entry.port_range->to = record.to_port;
    }
  }
  out.tags = describe_tags(acl.tags);
  return out;
}

Facts facts_of(const Tables& tables, const NetworkAclRecord& acl) {
  Facts facts = {{"network-acl-id", {acl.id}},
                 {"vpc-id", {acl.vpc_id}},
                 {"owner-id", {tables.scope.account}},
                 {"default", {text_of(acl.is_default)}},
                 {"association.subnet-id", {}},
                 {"association.network-acl-id", {acl.id}},
                 {"association.association-id", {}},
                 {"entry.cidr", {}},
                 {"entry.egress", {}},
                 {"entry.protocol", {}},
                 {"entry.rule-action", {}},
                 {"entry.rule-number", {}},
                 {"entry.port-range.from", {}},
                 {"entry.port-range.to", {}}};
  for (const AclAssociationRecord& record : acl_associations(tables, acl)) {
    facts["association.subnet-id"].push_back(record.subnet_id);
    facts["association.association-id"].push_back(record.id);
  }
  for (const AclEntryRecord& entry : acl.entries) {
    facts["entry.cidr"].push_back(entry.cidr);
    facts["entry.egress"].push_back(text_of(entry.egress));
    facts["entry.protocol"].push_back(entry.protocol);
    facts["entry.rule-action"].push_back(entry.allow ? "allow" : "deny");
    facts["entry.rule-number"].push_back(std::to_string(entry.number));
    if (entry.from_port < 0) continue;
    facts["entry.port-range.from"].push_back(std::to_string(entry.from_port));
    facts["entry.port-range.to"].push_back(std::to_string(entry.to_port));
  }
  return facts;
}

DhcpOptions describe(const Tables& tables, const DhcpOptionsRecord& options) {
  DhcpOptions out;
  out.dhcp_options_id = options.id;
  out.owner_id = tables.scope.account;
  for (const auto& [key, values] : options.values) {
    DhcpConfiguration& configuration = out.dhcp_configurations.emplace_back();
    configuration.key = key;
    for (const std::string& value : values) configuration.values.emplace_back().value = value;
  }
  out.tags = describe_tags(options.tags);
  return out;
}

Facts facts_of(const Tables& tables, const DhcpOptionsRecord& options) {
  Facts facts = {{"dhcp-options-id", {options.id}},
                 {"owner-id", {tables.scope.account}},
                 {"key", {}},
                 {"value", {}}};
  for (const auto& [key, values] : options.values) {
    facts["key"].push_back(key);
    for (const std::string& value : values) facts["value"].push_back(value);
  }
  return facts;
}

}  // namespace landfall::ec2
