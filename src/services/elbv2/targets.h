// Targets of a group: registered, deregistered, and how they are.
#pragma once

#include "services/elbv2/service.h"

namespace landfall::elbv2 {

inline constexpr std::size_t kMostTargets = 1000;  // of a group

// Caller holds Elbv2::writing. Errors: InvalidTarget, TooManyTargets, ValidationError.
Result<void> add_targets(Elbv2& elbv2, const TargetGroupRecord& group,
                         const wire::List<TargetDescription>& targets, TimePoint now,
                         store::Transaction& transaction);
// Unknown targets are refused with InvalidTarget. Targets of a group in use drain first.
Result<void> remove_targets(Elbv2& elbv2, const TargetGroupRecord& group,
                            const wire::List<TargetDescription>& targets, TimePoint now,
                            store::Transaction& transaction);

// What a target of the group is now. `balancer`: the load balancer that uses the group, if any.
Health health_of(const Elbv2& elbv2, const TargetGroupRecord& group, const TargetRecord& target,
                 const LoadBalancerRecord* balancer);
// The load balancer that forwards to the group.
std::optional<LoadBalancerRecord> balancer_of(const Tables& tables, const TargetGroupRecord& group);

// When a draining target is gone.
TimePoint drained_at(const TargetGroupRecord& group, const TargetRecord& target);

}  // namespace landfall::elbv2
