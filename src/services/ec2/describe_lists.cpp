// Prefix lists, VPC endpoints and flow logs.
#include "services/ec2/describe.h"
#include "services/ec2/endpoint_services.h"
#include "services/ec2/endpoints.h"
#include "services/ec2/tagging.h"

namespace landfall::ec2 {

ManagedPrefixList describe(const Tables& tables, const PrefixListRecord& list) {
  ManagedPrefixList out;
  out.prefix_list_id = list.id;
  out.address_family = "IPv4";
  out.state = list.state;
  out.prefix_list_name = list.name;
  out.owner_id = list.amazon ? "AWS" : tables.scope.account;
  out.prefix_list_arn = Arn{"aws", "ec2", tables.scope.region,
                            list.amazon ? "aws" : tables.scope.account, "prefix-list/" + list.id}
                            .str();
  if (!list.amazon) {
    out.max_entries = list.max_entries;
    out.version = list.version;
  }
  out.tags = describe_tags(list.tags);
  return out;
}

Facts facts_of(const Tables& tables, const PrefixListRecord& list) {
  return {{"owner-id", {list.amazon ? "AWS" : tables.scope.account}},
          {"prefix-list-id", {list.id}},
          {"prefix-list-name", {list.name}}};
}

VpcEndpoint describe(const Tables& tables, const EndpointRecord& endpoint) {
  VpcEndpoint out;
  out.vpc_endpoint_id = endpoint.id;
  out.vpc_endpoint_type = endpoint.gateway() ? "Gateway" : "Interface";
  out.vpc_id = endpoint.vpc_id;
  out.service_name = endpoint.service;
  out.service_region = tables.scope.region;
  out.state = "available";
  out.policy_document = endpoint_policy();
  out.owner_id = tables.scope.account;
  out.requester_managed = false;
  out.private_dns_enabled = endpoint.private_dns;
  out.creation_timestamp = endpoint.created;
  out.route_table_ids.present = out.subnet_ids.present = out.groups.present = true;
  out.network_interface_ids.present = out.dns_entries.present = true;
  for (const std::string& id : endpoint.route_table_ids) out.route_table_ids.push_back(id);
  out.tags = describe_tags(endpoint.tags);
  if (endpoint.gateway()) return out;
  out.ip_address_type = "ipv4";
  out.dns_options.emplace().dns_record_ip_type = "ipv4";
  for (const EndpointSubnetRecord& place : endpoint.subnets) {
    out.subnet_ids.push_back(place.subnet_id);
    out.network_interface_ids.push_back(place.interface_id);
  }
  for (const std::string& id : endpoint.group_ids) {
    SecurityGroupIdentifier& group = out.groups.emplace_back();
    group.group_id = id;
    if (const auto row = tables.security_groups.get(id)) group.group_name = row->value.name;
  }
  for (const std::string& name : endpoint_names(tables, endpoint))
    out.dns_entries.emplace_back().dns_name = name;
  if (!endpoint.private_dns) return out;
  const auto services = endpoint_services(tables.scope.region);
  if (const EndpointService* service = find_service(services, endpoint.service)) {
    for (const std::string& name : service->private_names)
      out.dns_entries.emplace_back().dns_name = name;
  }
  return out;
}

Facts facts_of(const Tables&, const EndpointRecord& endpoint) {
  return {{"vpc-endpoint-id", {endpoint.id}},
          {"vpc-endpoint-type", {endpoint.gateway() ? "Gateway" : "Interface"}},
          {"vpc-endpoint-state", {"available"}},
          {"service-name", {endpoint.service}},
          {"vpc-id", {endpoint.vpc_id}}};
}

FlowLog describe(const Tables&, const FlowLogRecord& log) {
  FlowLog out;
  out.flow_log_id = log.id;
  out.resource_id = log.resource_id;
  out.traffic_type = log.traffic_type;
  out.log_destination_type = "cloud-watch-logs";
  out.log_group_name = log.log_group;
  if (!log.destination.empty()) out.log_destination = log.destination;
  out.deliver_logs_permission_arn = log.role_arn;
  out.flow_log_status = "ACTIVE";
  out.deliver_logs_status = log.delivery_error.empty() ? "SUCCESS" : "FAILED";
  if (!log.delivery_error.empty()) out.deliver_logs_error_message = log.delivery_error;
  out.log_format = log.format;
  out.max_aggregation_interval = log.interval_s;
  out.creation_time = log.created;
  out.tags = describe_tags(log.tags);
  return out;
}

Facts facts_of(const Tables&, const FlowLogRecord& log) {
  return {{"deliver-log-status", {log.delivery_error.empty() ? "SUCCESS" : "FAILED"}},
          {"log-destination-type", {"cloud-watch-logs"}},
          {"flow-log-id", {log.id}},
          {"log-group-name", {log.log_group}},
          {"resource-id", {log.resource_id}},
          {"traffic-type", {log.traffic_type}}};
}

}  // namespace landfall::ec2
