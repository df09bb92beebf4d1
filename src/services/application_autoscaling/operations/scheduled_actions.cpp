// operations: DescribeScheduledActions, DeleteScheduledAction
#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

using ScheduleRow = store::Row<ScheduleRecord>;

ScheduledAction to_api(const Scope& scope, const ScheduleRow& row) {
  const ScheduleRecord& record = row.value;
  ScheduledAction out;
  out.resource_id = "service/" + target_key_of(row.id);
  out.scheduled_action_name = record.name;
  out.scheduled_action_arn = schedule_arn(scope, out.resource_id, record);
  out.service_namespace = kNamespace;
  out.scalable_dimension = kDimension;
  out.schedule = record.schedule;
  if (!record.timezone.empty()) out.timezone = record.timezone;
  out.start_time = record.start;
  out.end_time = record.end;
  ScalableTargetAction& action = out.scalable_target_action.emplace();
  action.min_capacity = record.min_capacity;
  action.max_capacity = record.max_capacity;
  out.creation_time = record.created;
  return out;
}

}  // namespace

task<Result<DescribeScheduledActionsResponse>> describe_scheduled_actions(
    ApplicationAutoscaling& scaling, const RequestContext& ctx,
    DescribeScheduledActionsRequest in) {
  LF_CO_TRY(query, read_list("schedules", in.service_namespace, in.resource_id,
                             in.scalable_dimension, in.max_results, in.next_token));
  auto found = scaling.tables(ctx.scope).schedules.list(
      query.place ? query.place->key() + "/" : std::string(), query.after);
  std::erase_if(found, [&](const ScheduleRow& row) {
    return !in.scheduled_action_names.empty() &&
           std::ranges::find(in.scheduled_action_names, row.value.name) ==
               in.scheduled_action_names.end();
  });
  DescribeScheduledActionsResponse out;
  out.next_token = store::cut_page(
      found, query.limit, [](const ScheduleRow& row) { return row.id; }, "schedules");
  for (const ScheduleRow& row : found) out.scheduled_actions.push_back(to_api(ctx.scope, row));
  co_return out;
}

task<Result<DeleteScheduledActionResponse>> delete_scheduled_action(
    ApplicationAutoscaling& scaling, const RequestContext& ctx, DeleteScheduledActionRequest in) {
  LF_CO_TRY(target, find_target(scaling, ctx, "DeleteScheduledAction", in.service_namespace,
                                in.resource_id, in.scalable_dimension));
  const Tables tables = scaling.tables(ctx.scope);
  const std::string id = child_id(target.id, in.scheduled_action_name);
  if (!tables.schedules.get(id)) {
    co_return errors::object_not_found(fmt::format(
        "No scheduled action found for service namespace: {}, resource ID: {}, scalable dimension: "
        "{}, scheduled action name: {}",
        in.service_namespace, in.resource_id, in.scalable_dimension, in.scheduled_action_name));
  }
  LF_CO_OK(co_await scaling.store.commit({{}, {tables.schedules.remove(id)}}));
  co_return DeleteScheduledActionResponse{};
}

}  // namespace landfall::application_autoscaling
