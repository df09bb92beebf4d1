// VPC endpoints. One of type Interface has a network interface in each of its subnets, on which
// Landfall's API answers; one of type Gateway is a route to the service's prefix list.
#pragma once

#include "services/ec2/records.h"

namespace landfall::ec2 {

// The endpoint's own names, the one for all of its subnets first, then one per zone.
std::vector<std::string> endpoint_names(const Tables& tables, const EndpointRecord& endpoint);

// Access to everything, which is the only policy an endpoint can have here.
std::string endpoint_policy();

}  // namespace landfall::ec2
