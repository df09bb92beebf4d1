#include "base/schedule.h"
#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

constexpr std::size_t kMostActions = 200;

void apply(const PutScheduledActionRequest& in, ScheduleRecord& record) {
  if (in.schedule) {
    record.schedule = *in.schedule;
    record.timezone.clear();
  }
  if (in.timezone) record.timezone = *in.timezone;
  if (in.start_time) record.start = in.start_time;
  if (in.end_time) record.end = in.end_time;
  if (const auto& action = in.scalable_target_action) {
    record.min_capacity = action->min_capacity;
    record.max_capacity = action->max_capacity;
  }
}

Result<void> check(const ScheduleRecord& record, TimePoint now) {
  if (record.schedule.empty())
    return errors::validation("Schedule is required when a scheduled action is created.");
  if (!record.min_capacity && !record.max_capacity)
    return errors::validation(
        "ScalableTargetAction must have a minimum or a maximum capacity, or both.");
  if (record.min_capacity.value_or(0) < 0 || record.max_capacity.value_or(0) < 0)
    return errors::validation("Minimum and maximum capacity must be at least 0.");
  if (record.min_capacity && record.max_capacity && *record.min_capacity > *record.max_capacity)
    return errors::validation("Maximum capacity cannot be less than minimum capacity");
  if (record.start && record.end && *record.end <= *record.start)
    return errors::validation("The end time must be after the start time.");
  const auto schedule = Schedule::parse(record.schedule, record.timezone);
  if (!schedule) return errors::validation(schedule.error().message);
  if (schedule->once() && !schedule->next(now, now))
    return errors::validation(
        fmt::format("The schedule expression {} is in the past.", record.schedule));
  return {};
}

}  // namespace

// What a request leaves out of an action that exists stays; its times count from now on.
task<Result<PutScheduledActionResponse>> put_scheduled_action(ApplicationAutoscaling& scaling,
                                                              const RequestContext& ctx,
                                                              PutScheduledActionRequest in) {
  const Tables tables = scaling.tables(ctx.scope);
  for (int attempt = 0; attempt < 8; ++attempt) {
    LF_CO_TRY(target, find_target(scaling, ctx, "PutScheduledAction", in.service_namespace,
                                  in.resource_id, in.scalable_dimension));
    const std::string id = child_id(target.id, in.scheduled_action_name);
    const auto held = tables.schedules.get(id);
    ScheduleRecord record;
    if (held) {
      record = held->value;
    } else {
      record.id = scaling.random.uuid();
      record.name = in.scheduled_action_name;
      record.created = ctx.now;
    }
    apply(in, record);
    record.done_until = ctx.now;
    LF_CO_OK(check(record, ctx.now));
    if (!held && tables.schedules.list(target.id + "/").size() >= kMostActions)
      co_return errors::limit_exceeded(
          fmt::format("A scalable target has at most {} scheduled actions.", kMostActions));
    // The target must still be there.
    LF_CO_TRY(done, co_await scaling.store.commit(
                        {{tables.schedules.unchanged(id, held ? held->revision : 0),
                          tables.targets.unchanged(target.id, target.revision)},
                         {tables.schedules.put(id, record)}}));
    if (done.succeeded) co_return PutScheduledActionResponse{};
  }
  co_return errors::concurrent_update("The scalable target keeps changing; try again.");
}

}  // namespace landfall::application_autoscaling
