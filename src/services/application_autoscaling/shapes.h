// What the operations have in common: names of scalable targets, permissions, records as the API
// shows them.
#pragma once

#include "services/application_autoscaling/service.h"
#include "store/pagination.h"
#include "wire/application_autoscaling/errors.h"
#include "wire/application_autoscaling/operations.h"

namespace landfall::application_autoscaling {

using TargetRow = store::Row<TargetRecord>;

// "service/CLUSTER/SERVICE", taken apart.
struct Place {
  std::string cluster;
  std::string service;
  std::string key() const { return cluster + "/" + service; }
  std::string resource() const { return "service/" + key(); }
};

// Errors: ValidationException, also for what Landfall does not scale.
Result<void> check_namespace(const std::string& name);
Result<Place> parse_place(const std::string& name_space, const std::string& resource_id,
                          const std::string& dimension);

// May the caller do this to the target (null: one that is not registered yet)? Error
// AccessDeniedException.
Result<void> authorize(const ApplicationAutoscaling& scaling, const RequestContext& ctx,
                       const std::string& action, const TargetRecord* target,
                       const wire::Map<std::string>& request_tags = {});
// A registered target that the caller may do this to. Errors: ValidationException,
// ObjectNotFoundException, AccessDeniedException.
Result<TargetRow> find_target(const ApplicationAutoscaling& scaling, const RequestContext& ctx,
                              const std::string& action, const std::string& name_space,
                              const std::string& resource_id, const std::string& dimension);

// What the lists may be asked for.
struct ListQuery {
  std::optional<Place> place;  // one target's only
  std::string after;
  std::size_t limit = 50;
};
Result<ListQuery> read_list(std::string_view list, const std::string& name_space,
                            const std::optional<std::string>& resource_id,
                            const std::optional<std::string>& dimension,
                            const std::optional<std::int32_t>& max_results,
                            const std::optional<std::string>& next_token);

Result<void> merge_tags(std::map<std::string, std::string>& into,
                        const wire::Map<std::string>& tags);
wire::List<Alarm> alarms_of(const ApplicationAutoscaling& scaling, const Scope& scope,
                            const std::string& resource, const PolicyRecord& policy);

}  // namespace landfall::application_autoscaling
