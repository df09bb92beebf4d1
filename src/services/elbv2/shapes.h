// Records as the API describes them.
#pragma once

#include "services/elbv2/service.h"

namespace landfall::elbv2 {

LoadBalancer to_shape(const LoadBalancerRecord& record);
wire::List<AvailabilityZone> zones_of(const LoadBalancerRecord& record);
Listener to_shape(const ListenerRecord& record);
Rule to_shape(const ListenerRecord& listener, const RuleRecord& record);
Rule default_rule(const ListenerRecord& listener);
TargetGroup to_shape(const Tables& tables, const TargetGroupRecord& record);

// Stands for the zone that AWS keeps its load balancers' names in; alias records name it.
std::string hosted_zone_id(std::string_view region, std::string_view type);

}  // namespace landfall::elbv2
