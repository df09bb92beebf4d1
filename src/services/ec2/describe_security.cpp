// Security groups and network interfaces.
#include "services/ec2/describe.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/rules.h"
#include "services/ec2/tagging.h"

namespace landfall::ec2 {
namespace {

// What the "ip-permission.*" and "egress.ip-permission.*" filters see.
void add_rule_facts(Facts& facts, const std::vector<SecurityRuleRecord>& rules, bool egress) {
  const std::string start = egress ? "egress.ip-permission." : "ip-permission.";
  for (const char* name : {"cidr", "from-port", "to-port", "protocol", "group-id", "group-name",
                           "ipv6-cidr", "user-id", "prefix-list-id"}) {
    facts[start + name];
  }
  for (const SecurityRuleRecord& rule : rules) {
    if (rule.egress != egress) continue;
    facts[start + "protocol"].push_back(rule.protocol);
    facts[start + "from-port"].push_back(std::to_string(rule.from_port));
    facts[start + "to-port"].push_back(std::to_string(rule.to_port));
    if (!rule.cidr.empty()) facts[start + "cidr"].push_back(rule.cidr);
    if (!rule.cidr_v6.empty()) facts[start + "ipv6-cidr"].push_back(rule.cidr_v6);
    if (!rule.group_id.empty()) facts[start + "group-id"].push_back(rule.group_id);
    if (!rule.prefix_list_id.empty())
      facts[start + "prefix-list-id"].push_back(rule.prefix_list_id);
    if (!rule.group_owner.empty()) facts[start + "user-id"].push_back(rule.group_owner);
  }
}

wire::List<GroupIdentifier> group_identifiers(const Tables& tables,
                                              const std::vector<std::string>& ids) {
  wire::List<GroupIdentifier> out;
  out.present = true;
  for (const std::string& id : ids) {
    GroupIdentifier& group = out.emplace_back();
    group.group_id = id;
    if (const auto row = tables.security_groups.get(id)) group.group_name = row->value.name;
  }
  return out;
}

// Interfaces have host names where the VPC says so.
// https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
bool has_host_names(const Tables& tables, const std::string& vpc_id) {
  const auto vpc = tables.vpcs.get(vpc_id);
  return vpc && vpc->value.host_names();
}

std::optional<NetworkInterfaceAssociation> association_of(const Tables& tables,
                                                          const NetworkInterfaceRecord& interface) {
  const auto address = Ipv4::parse(interface.public_address);
  if (!address) return {};
  NetworkInterfaceAssociation out;
  out.public_ip = interface.public_address;
  out.public_dns_name = has_host_names(tables, interface.vpc_id)
                            ? public_dns_name(*address, tables.scope.region)
                            : "";
  // An address that is not the account's own is Amazon's.
  out.ip_owner_id = interface.allocation_id.empty() ? "amazon" : tables.scope.account;
  if (!interface.allocation_id.empty()) {
    out.allocation_id = interface.allocation_id;
    out.association_id = interface.association_id;
  }
  return out;
}

// The names that AWS's services go by: clients wait for interfaces of load balancers by them.
std::string requester_of(const NetworkInterfaceRecord& interface) {
  if (interface.requester_id == "elbv2") return "amazon-elb";
  if (interface.requester_id == "rds") return "amazon-rds";
  return interface.requester_id;
}
std::string attachment_owner_of(const NetworkInterfaceRecord& interface) {
  const std::string requester = requester_of(interface);
  return requester.starts_with("amazon-") ? requester : "amazon-aws";
}

}  // namespace

SecurityGroup describe(const Tables& tables, const SecurityGroupRecord& group) {
  SecurityGroup out;
  out.group_id = group.id;
  out.group_name = group.name;
  out.description = group.description;
  out.owner_id = tables.scope.account;
  out.vpc_id = group.vpc_id;
  out.security_group_arn = arn_of(tables.scope, "security-group", group.id);
  out.ip_permissions = group_permissions(group.rules, false);
  out.ip_permissions_egress = group_permissions(group.rules, true);
  out.tags = describe_tags(group.tags);
  return out;
}

Facts facts_of(const Tables& tables, const SecurityGroupRecord& group) {
  Facts facts = {{"group-id", {group.id}},
                 {"group-name", {group.name}},
                 {"description", {group.description}},
                 {"vpc-id", {group.vpc_id}},
                 {"owner-id", {tables.scope.account}}};
  add_rule_facts(facts, group.rules, false);
  add_rule_facts(facts, group.rules, true);
  return facts;
}

SecurityGroupRule describe(const Tables& tables, const SecurityGroupRecord& group,
                           const SecurityRuleRecord& rule) {
  SecurityGroupRule out;
  out.security_group_rule_id = rule.id;
  out.security_group_rule_arn = arn_of(tables.scope, "security-group-rule", rule.id);
  out.group_id = group.id;
  out.group_owner_id = tables.scope.account;
  out.is_egress = rule.egress;
  out.ip_protocol = rule.protocol;
  out.from_port = rule.from_port;
  out.to_port = rule.to_port;
  if (!rule.cidr.empty()) out.cidr_ipv4 = rule.cidr;
  if (!rule.cidr_v6.empty()) out.cidr_ipv6 = rule.cidr_v6;
  if (!rule.prefix_list_id.empty()) out.prefix_list_id = rule.prefix_list_id;
  if (!rule.group_id.empty()) {
    ReferencedSecurityGroup& referenced = out.referenced_group_info.emplace();
    referenced.group_id = rule.group_id;
    referenced.user_id = rule.group_owner;
  }
  if (!rule.description.empty()) out.description = rule.description;
  out.tags = describe_tags(rule.tags);
  out.tags.present = true;
  return out;
}

NetworkInterface describe(const Tables& tables, const NetworkInterfaceRecord& interface) {
  NetworkInterface out;
  const Ipv4 address = Ipv4::parse(interface.address).value_or(Ipv4{});
  out.network_interface_id = interface.id;
  out.owner_id = tables.scope.account;
  out.vpc_id = interface.vpc_id;
  out.subnet_id = interface.subnet_id;
  out.availability_zone = interface.zone;
  out.description = interface.description;
  out.interface_type = interface.type;
  out.mac_address = interface.mac;
  out.private_ip_address = interface.address;
  if (has_host_names(tables, interface.vpc_id))
    out.private_dns_name = private_dns_name(address, tables.scope.region);
  out.association = association_of(tables, interface);
  NetworkInterfacePrivateIpAddress& primary = out.private_ip_addresses.emplace_back();
  primary.primary = true;
  primary.private_ip_address = interface.address;
  primary.private_dns_name = out.private_dns_name;
  primary.association = out.association;
  out.groups = group_identifiers(tables, interface.group_ids);
  out.ipv6_addresses.present = true;
  out.requester_managed = interface.requester_managed;
  if (!interface.requester_id.empty()) out.requester_id = requester_of(interface);
  out.source_dest_check = true;
  out.status = interface.attachment_id.empty() ? "available" : "in-use";
  if (!interface.attachment_id.empty()) {
    NetworkInterfaceAttachment& attachment = out.attachment.emplace();
    attachment.attachment_id = interface.attachment_id;
    attachment.attach_time = interface.created;
    attachment.delete_on_termination = false;
    attachment.device_index = 1;
    attachment.instance_owner_id = attachment_owner_of(interface);
    attachment.status = "attached";
  }
  out.tag_set = describe_tags(interface.tags);
  out.tag_set.present = true;
  return out;
}

Facts facts_of(const Tables& tables, const NetworkInterfaceRecord& interface) {
  Facts facts = {{"network-interface-id", {interface.id}},
                 {"vpc-id", {interface.vpc_id}},
                 {"subnet-id", {interface.subnet_id}},
                 {"availability-zone", {interface.zone}},
                 {"description", {interface.description}},
                 {"interface-type", {interface.type}},
                 {"mac-address", {interface.mac}},
                 {"owner-id", {tables.scope.account}},
                 {"private-ip-address", {interface.address}},
                 {"addresses.private-ip-address", {interface.address}},
                 {"addresses.primary", {"true"}},
                 {"association.public-ip", {}},
                 {"addresses.association.public-ip", {}},
                 {"association.allocation-id", {}},
                 {"association.association-id", {}},
                 {"attachment.attachment-id", {}},
                 {"attachment.instance-id", {}},
                 {"attachment.instance-owner-id", {}},
                 {"attachment.status", {}},
                 {"group-id", interface.group_ids},
                 {"group-name", {}},
                 {"requester-id", {requester_of(interface)}},
                 {"requester-managed", {text_of(interface.requester_managed)}},
                 {"source-dest-check", {"true"}},
                 {"status", {interface.attachment_id.empty() ? "available" : "in-use"}}};
  if (!interface.public_address.empty()) {
    facts["association.public-ip"] =
        facts["addresses.association.public-ip"] = {interface.public_address};
    facts["association.association-id"] = {interface.association_id};
  }
  if (!interface.allocation_id.empty())
    facts["association.allocation-id"] = {interface.allocation_id};
  if (!interface.attachment_id.empty()) {
    facts["attachment.attachment-id"] = {interface.attachment_id};
    facts["attachment.instance-owner-id"] = {attachment_owner_of(interface)};
    facts["attachment.status"] = {"attached"};
  }
  for (const std::string& id : interface.group_ids) {
    if (const auto row = tables.security_groups.get(id))
      facts["group-name"].push_back(row->value.name);
  }
  return facts;
}

}  // namespace landfall::ec2
