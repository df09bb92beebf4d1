// The kinds of EC2 resources: how their ids begin, what they are called, how AWS says that one does
// not exist.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::ec2 {

struct Kind {
  std::string_view prefix;         // "vpc"
  std::string_view resource_type;  // as in tag specifications
  std::string_view not_found;      // error code
  std::string_view message;        // of that error, with {} for the id
  std::string_view malformed;      // error code; empty: a malformed id is one that does not exist
};

namespace kinds {
inline constexpr Kind kVpc{"vpc", "vpc", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist",
                           ""};
inline constexpr Kind kSubnet{"subnet", "subnet", "InvalidSubnetID.NotFound",
                              "The subnet ID '{}' does not exist", ""};
inline constexpr Kind kRouteTable{"rtb", "route-table", "InvalidRouteTableID.NotFound",
                                  "The routeTable ID '{}' does not exist", ""};
inline constexpr Kind kInternetGateway{"igw", "internet-gateway",
                                       "InvalidInternetGatewayID.NotFound",
                                       "The internetGateway ID '{}' does not exist", ""};
inline constexpr Kind kNatGateway{"nat", "natgateway", "NatGatewayNotFound",
                                  "The Nat Gateway {} was not found", "NatGatewayMalformed"};
inline constexpr Kind kSecurityGroup{"sg", "security-group", "InvalidGroup.NotFound",
                                     "The security group '{}' does not exist",
                                     "InvalidGroupId.Malformed"};
inline constexpr Kind kSecurityRule{
    "sgr", "security-group-rule", "InvalidSecurityGroupRuleId.NotFound",
    "The security group rule ID '{}' does not exist", "InvalidSecurityGroupRuleId.Malformed"};
inline constexpr Kind kInterface{"eni", "network-interface", "InvalidNetworkInterfaceID.NotFound",
                                 "The networkInterface ID '{}' does not exist",
                                 "InvalidNetworkInterfaceId.Malformed"};
inline constexpr Kind kAddress{"eipalloc", "elastic-ip", "InvalidAllocationID.NotFound",
                               "The allocation ID '{}' does not exist", ""};
inline constexpr Kind kAssociation{"eipassoc", "", "InvalidAssociationID.NotFound",
                                   "The association ID '{}' does not exist", ""};
inline constexpr Kind kRouteTableAssociation{"rtbassoc", "", "InvalidAssociationID.NotFound",
                                             "The association ID '{}' does not exist", ""};
inline constexpr Kind kAclAssociation{"aclassoc", "", "InvalidAssociationID.NotFound",
                                      "The association ID '{}' does not exist", ""};
inline constexpr Kind kNetworkAcl{"acl", "network-acl", "InvalidNetworkAclID.NotFound",
                                  "The networkAcl ID '{}' does not exist", ""};
inline constexpr Kind kDhcpOptions{"dopt", "dhcp-options", "InvalidDhcpOptionID.NotFound",
                                   "The dhcpOption ID '{}' does not exist",
                                   "InvalidDhcpOptionsId.Malformed"};
inline constexpr Kind kInstance{"i", "instance", "InvalidInstanceID.NotFound",
                                "The instance ID '{}' does not exist",
                                "InvalidInstanceID.Malformed"};
inline constexpr Kind kPrefixList{"pl", "prefix-list", "InvalidPrefixListID.NotFound",
                                  "The prefix list ID '{}' does not exist", ""};
inline constexpr Kind kEndpoint{"vpce", "vpc-endpoint", "InvalidVpcEndpointId.NotFound",
                                "The Vpc Endpoint Id '{}' does not exist", ""};
inline constexpr Kind kFlowLog{"fl", "vpc-flow-log", "InvalidFlowLogId.NotFound",
                               "These flow log ids in the input list are not found: [{}]",
                               "InvalidFlowLogId.Malformed"};
inline constexpr Kind kPeering{"pcx", "vpc-peering-connection",
                               "InvalidVpcPeeringConnectionID.NotFound",
                               "The vpcPeeringConnection ID '{}' does not exist", ""};
inline constexpr Kind kEgressOnlyGateway{"eigw", "egress-only-internet-gateway",
                                         "InvalidGatewayID.NotFound",
                                         "The eigw ID '{}' does not exist", ""};
}  // namespace kinds

// The error for an id that names nothing: malformed, or not found.
std::unexpected<Error> no_such(const Kind& kind, std::string_view id);

}  // namespace landfall::ec2
