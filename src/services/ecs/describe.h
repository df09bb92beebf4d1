// Records as the API shows them.
#pragma once

#include "services/ecs/service.h"

namespace landfall::ecs {

wire::List<Tag> to_api(const std::vector<TagRecord>& tags);
// Checks AWS's limits on tags. Error InvalidParameterException.
Result<std::vector<TagRecord>> read_tags(const wire::List<Tag>& tags);
// What tagging changes: later values win. Error InvalidParameterException when there are too many.
Result<void> merge_tags(std::vector<TagRecord>& into, const std::vector<TagRecord>& more);

Cluster describe_cluster(const Tables& tables, const Scope& scope, const ClusterRecord& cluster);
// Every setting with its value; containerInsights is disabled unless set.
wire::List<ClusterSetting> shown_settings(const ClusterRecord& cluster);
// Error InvalidParameterException for a setting that would have no effect.
Result<void> check_settings(const wire::List<ClusterSetting>& settings);

struct ServiceParts {
  bool tags = false;
};
Service describe_service(const Ecs& ecs, const Scope& scope, const ServiceRecord& service,
                         ServiceParts parts);
Task describe_task(const Scope& scope, const TaskRecord& task, bool tags);
NetworkConfiguration to_api(const Network& network);
LoadBalancer to_api(const ServiceTarget& target);
DeploymentConfiguration describe_configuration(const ServiceRecord& service);

}  // namespace landfall::ecs
