// What CreateService and UpdateService have in common.
#pragma once

#include "services/ecs/launch.h"

namespace landfall::ecs {

// Changes percentages, circuit breaker, alarms and strategy. Errors: InvalidParameterException.
Result<void> apply_configuration(const Ecs& ecs, const Scope& scope, ServiceRecord& service,
                                 const std::optional<DeploymentConfiguration>& configuration);
// What the strategy demands of the load balancers. Error InvalidParameterException.
Result<void> check_strategy_targets(const ServiceRecord& service,
                                    const std::vector<ServiceTarget>& targets);

// Refuses what Landfall's services do not have, by name. Request: CreateServiceRequest or
// UpdateServiceRequest.
template <class Request>
Result<void> check_service_request(const Request& in);

// An active definition. Errors: ClientException, InvalidParameterException.
Result<TaskDefinition> find_active_definition(const Tables& tables, const Scope& scope,
                                              const std::string& reference);

// The loadBalancers of a request, against what they point to. Errors: InvalidParameterException in
// ECS's words.
Result<std::vector<ServiceTarget>> read_targets(const Ecs& ecs, const Scope& scope,
                                                const wire::List<LoadBalancer>& balancers,
                                                const TaskDefinition& definition,
                                                const Network& network);

// May the caller hand over the definition's roles? Error AccessDeniedException.
Result<void> check_pass_roles(const Ecs& ecs, const RequestContext& ctx,
                              const TaskDefinition& definition);

// The same for the roles with which ECS changes listener rules.
Result<void> check_balancer_roles(const Ecs& ecs, const RequestContext& ctx,
                                  const std::vector<ServiceTarget>& targets);

// Makes a new PRIMARY deployment and its rollout; the deployment before becomes ACTIVE until its
// tasks are gone.
void begin_deployment(Random& random, ServiceRecord& service, std::string task_definition,
                      Network network, std::vector<ServiceTarget> targets, TimePoint now);

extern template Result<void> check_service_request(const CreateServiceRequest&);
extern template Result<void> check_service_request(const UpdateServiceRequest&);

}  // namespace landfall::ecs
