#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

ScalableTarget to_api(const Scope& scope, const TargetRecord& target) {
  ScalableTarget out;
  out.service_namespace = kNamespace;
  out.resource_id = target.resource();
  out.scalable_dimension = kDimension;
  out.min_capacity = target.min_capacity;
  out.max_capacity = target.max_capacity;
  out.role_arn = target.role_arn;
  out.creation_time = target.created;
  SuspendedState& state = out.suspended_state.emplace();
  state.dynamic_scaling_in_suspended = target.in_suspended;
  state.dynamic_scaling_out_suspended = target.out_suspended;
  state.scheduled_scaling_suspended = target.schedule_suspended;
  out.scalable_target_arn = target_arn(scope, target);
  return out;
}

}  // namespace

// Ids that are not registered are left out.
task<Result<DescribeScalableTargetsResponse>> describe_scalable_targets(
    ApplicationAutoscaling& scaling, const RequestContext& ctx, DescribeScalableTargetsRequest in) {
  if (in.scalable_dimension && in.resource_ids.empty())
    co_return errors::validation(
        "If you specify a scalable dimension, you must also specify a resource ID.");
  LF_CO_TRY(query,
            read_list("targets", in.service_namespace, {}, {}, in.max_results, in.next_token));
  const Tables tables = scaling.tables(ctx.scope);
  std::vector<TargetRow> found;
  if (in.resource_ids.empty()) {
    found = tables.targets.list({}, query.after, query.limit + 1);
  } else {
    for (const std::string& id : in.resource_ids) {
      LF_CO_TRY(place, parse_place(in.service_namespace, id,
                                   in.scalable_dimension.value_or(std::string(kDimension))));
      if (auto row = tables.targets.get(place.key()); row && row->id > query.after)
        found.push_back(std::move(*row));
    }
    std::ranges::sort(found, {}, &TargetRow::id);
  }
  DescribeScalableTargetsResponse out;
  out.next_token =
      store::cut_page(found, query.limit, [](const TargetRow& row) { return row.id; }, "targets");
  for (const TargetRow& row : found) out.scalable_targets.push_back(to_api(ctx.scope, row.value));
  co_return out;
}

}  // namespace landfall::application_autoscaling
