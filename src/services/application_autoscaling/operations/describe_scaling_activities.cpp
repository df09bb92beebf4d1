#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

using ActivityRow = store::Row<ActivityRecord>;

ScalingActivity to_api(const std::string& target_key, const ActivityRecord& activity) {
  ScalingActivity out;
  out.activity_id = activity.id;
  out.service_namespace = kNamespace;
  out.resource_id = "service/" + target_key;
  out.scalable_dimension = kDimension;
  out.description = activity.description;
  out.cause = activity.cause;
  out.start_time = activity.started;
  out.status_code = activity.status;
  if (activity.ended != TimePoint{}) out.end_time = activity.ended;
  if (!activity.message.empty()) out.status_message = activity.message;
  if (!activity.details.empty()) out.details = activity.details;
  if (activity.not_scaled) out.not_scaled_reasons.push_back(*activity.not_scaled);
  return out;
}

// The part of the id that sorts by time, newest first.
std::string_view order_of(const ActivityRow& row) {
  return std::string_view(row.id).substr(row.id.rfind('/') + 1);
}

}  // namespace

// Newest first, also over several targets. Attempts that did not scale are listed when asked for.
task<Result<DescribeScalingActivitiesResponse>> describe_scaling_activities(
    ApplicationAutoscaling& scaling, const RequestContext& ctx,
    DescribeScalingActivitiesRequest in) {
  LF_CO_TRY(query, read_list("activities", in.service_namespace, in.resource_id,
                             in.scalable_dimension, in.max_results, in.next_token));
  const bool all = in.include_not_scaled_activities.value_or(false);
  std::vector<ActivityRow> found = scaling.tables(ctx.scope).activities.list(
      query.place ? query.place->key() + "/" : std::string());
  std::erase_if(found, [&](const ActivityRow& row) {
    return order_of(row) <= query.after || (row.value.not_scaled && !all);
  });
  std::ranges::sort(found, {}, order_of);
  DescribeScalingActivitiesResponse out;
  out.next_token = store::cut_page(
      found, query.limit, [](const ActivityRow& row) { return std::string(order_of(row)); },
      "activities");
  for (const ActivityRow& row : found)
    out.scaling_activities.push_back(to_api(target_key_of(row.id), row.value));
  co_return out;
}

}  // namespace landfall::application_autoscaling
