// Where a load balancer stands: its subnets and security groups, checked as AWS checks them.
#pragma once

#include "services/elbv2/service.h"

namespace landfall::elbv2 {

struct Placement {
  std::string vpc_id;
  std::vector<NodeRecord> nodes;  // by zone
};

// Either of the two lists. Errors: ValidationError, InvalidConfigurationRequest, SubnetNotFound,
// InvalidSubnet, AllocationIdNotFound.
Result<Placement> place(Elbv2& elbv2, const Scope& scope, const LoadBalancerRecord& balancer,
                        const wire::List<std::string>& subnets,
                        const wire::List<SubnetMapping>& mappings);

// The groups exist in the VPC; none given: the VPC's default group. Errors: InvalidSecurityGroup,
// InvalidConfigurationRequest.
Result<std::vector<std::string>> check_security_groups(Elbv2& elbv2, const Scope& scope,
                                                       const std::string& vpc_id,
                                                       const wire::List<std::string>& groups);

}  // namespace landfall::elbv2
