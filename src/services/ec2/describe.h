// Records as AWS's answers show them, and as its filters see them.
#pragma once

#include "services/ec2/select.h"
#include "services/ec2/service.h"

namespace landfall::ec2 {

Vpc describe(const Tables& tables, const VpcRecord& vpc);
Facts facts_of(const Tables& tables, const VpcRecord& vpc);

Subnet describe(const Tables& tables, const SubnetRecord& subnet,
                const std::vector<NetworkInterfaceRecord>& interfaces);
Facts facts_of(const Tables& tables, const SubnetRecord& subnet);

RouteTable describe(const Tables& tables, const RouteTableRecord& table);
Facts facts_of(const Tables& tables, const RouteTableRecord& table);

InternetGateway describe(const Tables& tables, const InternetGatewayRecord& gateway);
Facts facts_of(const Tables& tables, const InternetGatewayRecord& gateway);

NatGateway describe(const Tables& tables, const NatGatewayRecord& gateway);
Facts facts_of(const Tables& tables, const NatGatewayRecord& gateway);

SecurityGroup describe(const Tables& tables, const SecurityGroupRecord& group);
Facts facts_of(const Tables& tables, const SecurityGroupRecord& group);
SecurityGroupRule describe(const Tables& tables, const SecurityGroupRecord& group,
                           const SecurityRuleRecord& rule);

NetworkInterface describe(const Tables& tables, const NetworkInterfaceRecord& interface);
Facts facts_of(const Tables& tables, const NetworkInterfaceRecord& interface);

// Every subnet of the VPC that is in no other list belongs to the default one, under an id made of
// its own or, once it came back from another list, one given then.
std::vector<AclAssociationRecord> acl_associations(const Tables& tables,
                                                   const NetworkAclRecord& acl);
NetworkAcl describe(const Tables& tables, const NetworkAclRecord& acl);
Facts facts_of(const Tables& tables, const NetworkAclRecord& acl);

DhcpOptions describe(const Tables& tables, const DhcpOptionsRecord& options);
Facts facts_of(const Tables& tables, const DhcpOptionsRecord& options);

ManagedPrefixList describe(const Tables& tables, const PrefixListRecord& list);
Facts facts_of(const Tables& tables, const PrefixListRecord& list);

VpcEndpoint describe(const Tables& tables, const EndpointRecord& endpoint);
Facts facts_of(const Tables& tables, const EndpointRecord& endpoint);

FlowLog describe(const Tables& tables, const FlowLogRecord& log);
Facts facts_of(const Tables& tables, const FlowLogRecord& log);

// "arn:aws:ec2:<region>:<account>:<type>/<id>"
std::string arn_of(const Scope& scope, std::string_view type, std::string_view id);

// The facts function of select() for one kind of record.
template <class T>
std::function<Facts(const T&)> facts_in(const Tables& tables) {
  return [&tables](const T& record) { return facts_of(tables, record); };
}

}  // namespace landfall::ec2
