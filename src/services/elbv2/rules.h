// Actions and conditions of listener rules: checked, and brought into the one form in which they
// are kept and described.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
#pragma once

#include <set>

#include "services/elbv2/service.h"

namespace landfall::elbv2 {

inline constexpr std::size_t kMostTargetGroupsPerAction = 5;
inline constexpr std::size_t kMostConditionValues = 5;
inline constexpr std::size_t kMostWildcards = 5;

// Fills in what AWS fills in (weights, "#{host}", ...), orders by Order, and checks everything that
// needs no look-up. Errors: ValidationError, InvalidLoadBalancerAction.
Result<wire::List<Action>> normalize_actions(const ListenerRecord& listener,
                                             wire::List<Action> actions);
// The target groups that `actions` forward to exist, fit the listener, and belong to no other load
// balancer. Errors: TargetGroupNotFound, IncompatibleProtocols, InvalidConfigurationRequest,
// TargetGroupAssociationLimit.
Result<void> check_target_groups(const Tables& tables, const ListenerRecord& listener,
                                 const std::string& vpc_id, const wire::List<Action>& actions);

// Errors: ValidationError, InvalidConfigurationRequest.
Result<wire::List<RuleCondition>> normalize_conditions(wire::List<RuleCondition> conditions);
// At most one of a type, with an expression that the data plane can follow. Error: ValidationError.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-transforms.html
Result<void> check_transforms(const wire::List<RuleTransform>& transforms);

// ARNs of the target groups that actions forward to.
std::set<std::string> target_groups_in(const wire::List<Action>& actions);
// ARNs of the load balancers whose listeners or rules forward to the group: at most one.
std::set<std::string> load_balancers_of(const Tables& tables, const std::string& group_arn);

// The action that answers the request: the last one.
const Action& final_action(const wire::List<Action>& actions);

}  // namespace landfall::elbv2
