#include "services/application_autoscaling/plan/target_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "services/application_autoscaling/plan/capacity.h"

namespace landfall::application_autoscaling {
namespace {

constexpr int kDefaultCooldownS = 300;
constexpr Millis kPollChange(1000);

double aggregate(const std::vector<Datapoint>& points, const std::string& type) {
  if (type == "Minimum") return std::ranges::min(points, {}, &Datapoint::value).value;
  if (type == "Maximum") return std::ranges::max(points, {}, &Datapoint::value).value;
  double sum = 0;
  for (const Datapoint& point : points) sum += point.value;
  return sum / static_cast<double>(points.size());
}

// How long the change of that direction holds back others.
TimePoint cooling_until(const ChangeRecord& change) {
  if (change.ended == TimePoint{}) return change.started + kFulfilWithin;
  return change.ended + std::chrono::seconds(change.cooldown_s);
}

class Planner {
 public:
  Planner(const TargetRecord& target, const Seen& seen, TimePoint now)
      : seen_(seen), now_(now), next_(target) {}

  TargetPlan run() {
    follow_change();
    run_schedules();
    if (seen_.service && !plan_.begins_change) {
      if (!settling()) enforce_bounds();
      if (!plan_.begins_change) follow_alarms();
    }
    plan_.next = next_;
    return std::move(plan_);
  }

  std::vector<Proposal> list() const {
    std::vector<Proposal> out;
    if (!seen_.service) return out;
    for (const SeenPolicy& policy : seen_.policies) {
      if (policy.record.tracking) {
        add_tracking(policy, out);
      } else if (policy.record.step) {
        add_steps(policy, out);
      }
    }
    return out;
  }

 private:
  void look(TimePoint at) {
    const Millis after = std::max(at - now_, Millis(1));
    if (!plan_.look_again || after < *plan_.look_again) plan_.look_again = after;
  }

  // Written, but the service does not know yet: nothing else may happen before.
  bool settling() const { return seen_.under_way && seen_.under_way->status == "Pending"; }

  // --- the change under way

  void end_change(std::string status, std::string message) {
    ActivityRecord ended = *seen_.under_way;
    ended.status = std::move(status);
    ended.message = std::move(message);
    ended.ended = now_;
    plan_.ended = std::move(ended);
    next_.change->ended = now_;
    plan_.changed = true;
  }

  void follow_change() {
    if (!next_.change || next_.change->ended != TimePoint{}) return;
    const ChangeRecord& change = *next_.change;
    if (!seen_.under_way) {  // its activity is no longer kept
      next_.change->ended = now_;
      plan_.changed = true;
      return;
    }
    const std::string set = fmt::format("Successfully set desired count to {}.", change.to);
    if (!seen_.service) {
      return end_change("Failed",
                        fmt::format("Failed to set desired count to {}. Reason: ECS service "
                                    "doesn't exist: {}",
                                    change.to, next_.resource()));
    }
    if (seen_.under_way->status == "Pending") {
      plan_.desired = change.to;
      return;
    }
    const SeenService& service = *seen_.service;
    if (service.desired != change.to) {
      return end_change("Overridden", fmt::format("{} Change was overridden: desired count is {}.",
                                                  set, service.desired));
    }
    if (change.direction == Direction::out ? service.running >= change.to
                                           : service.running <= change.to) {
      return end_change("Successful", set + " Change successfully fulfilled by ecs.");
    }
    if (now_ - change.started >= kFulfilWithin) {
      return end_change("Unfulfilled", set + " Change was not fulfilled by ecs.");
    }
    look(now_ + kPollChange);
  }

  // --- schedules

  void run_schedules() {
    std::vector<std::pair<TimePoint, const SeenSchedule*>> due;
    for (const SeenSchedule& schedule : seen_.schedules) {
      const ScheduleRecord& record = schedule.record;
      const TimePoint begin = record.start.value_or(record.created);
      const TimePoint after = std::max(record.done_until, begin - Millis(1));
      const TimePoint until = record.end ? std::min(now_, *record.end) : now_;
      if (const auto at = schedule.schedule.latest(after, until, begin)) {
        due.emplace_back(*at, &schedule);
      }
      if (const auto next = schedule.schedule.next(std::max(after, now_), begin);
          next && (!record.end || *next <= *record.end)) {
        look(*next);
      }
    }
    // What was missed while the server was down happens in its order.
    std::ranges::sort(due, {}, [](const auto& entry) {
      return std::pair(entry.first, std::string_view(entry.second->record.name));
    });
    for (const auto& [at, schedule] : due) run_schedule(at, schedule->record);
  }

  void run_schedule(TimePoint at, ScheduleRecord record) {
    record.done_until = at;
    plan_.schedules.push_back(record);
    if (next_.schedule_suspended) return;
    std::string what;
    if (record.min_capacity) what = fmt::format("min capacity to {}", *record.min_capacity);
    if (record.max_capacity) {
      what +=
          fmt::format("{}max capacity to {}", what.empty() ? "" : " and ", *record.max_capacity);
    }
    ActivityRecord activity{
        .description = "Setting " + what,
        .cause = fmt::format("scheduled action name {} was triggered", record.name),
        .status = "Successful",
        .message = fmt::format("Successfully set {}", what),
        .started = now_,
        .ended = now_};
    const int low = record.min_capacity.value_or(next_.min_capacity);
    const int high = record.max_capacity.value_or(next_.max_capacity);
    if (low > high) {
      activity.status = "Failed";
      activity.message = fmt::format(
          "Failed to set {}. Reason: minimum capacity {} cannot be greater than maximum capacity "
          "{}",
          what, low, high);
    } else {
      next_.min_capacity = low;
      next_.max_capacity = high;
      next_.enforce = true;
      plan_.changed = true;
    }
    plan_.activities.push_back(std::move(activity));
  }

  // --- bounds

  void enforce_bounds() {
    if (!next_.enforce) return;
    const int desired = seen_.service->desired;
    if (desired < next_.min_capacity) {
      begin(Direction::out, next_.min_capacity, "", 0, desired,
            fmt::format("minimum capacity was set to {}", next_.min_capacity));
    } else if (desired > next_.max_capacity) {
      if (seen_.service->deploying) return;  // afterwards
      begin(Direction::in, next_.max_capacity, "", 0, desired,
            fmt::format("maximum capacity was set to {}", next_.max_capacity));
    }
    next_.enforce = false;
    plan_.changed = true;
  }

  void begin(Direction direction, int to, const std::string& policy, int cooldown_s, int base,
             std::string cause) {
    ChangeRecord change{.policy = policy,
                        .direction = direction,
                        .base = base,
                        .to = to,
                        .cooldown_s = cooldown_s,
                        .started = now_};
    if (next_.change && next_.change->ended == TimePoint{} && seen_.under_way && !plan_.ended) {
      end_change("Overridden",
                 fmt::format("Successfully set desired count to {}. Change was overridden by "
                             "another scaling activity.",
                             next_.change->to));
    }
    next_.change = std::move(change);
    next_.not_scaled.clear();
    ActivityRecord activity{.description = fmt::format("Setting desired count to {}.", to),
                            .cause = std::move(cause),
                            .status = "Pending",
                            .started = now_};
    plan_.activities.insert(plan_.activities.begin(), std::move(activity));
    plan_.begins_change = true;
    plan_.changed = true;
  }

  // --- alarms

  // A scale-out counts from here.
  int base() const {
    const int desired = std::max(seen_.service->desired, next_.min_capacity);
    if (!cooling(next_, Direction::out, now_) || next_.change->to != seen_.service->desired)
      return desired;
    return std::max(next_.change->base, next_.min_capacity);
  }

  // Measured with the capacity of the latest change of that direction?
  bool fresh(TimePoint point, Direction direction) const {
    if (!next_.change) return true;
    const ChangeRecord& change = *next_.change;
    if (direction == Direction::out &&
        (change.direction == Direction::in || cooling(next_, Direction::out, now_)))
      return true;
    return change.ended != TimePoint{} && point >= change.ended;
  }

  bool may_scale_in(const SeenPolicy& policy) const {
    return policy.record.tracking && !policy.record.tracking->disable_scale_in.value_or(false);
  }

  std::optional<double> highest(const SeenTracking& tracking) const {
    std::optional<double> out;
    for (const Datapoint& point : tracking.points) {
      if (fresh(point.time, Direction::in)) out = std::max(out.value_or(point.value), point.value);
    }
    return out;
  }

  void add_tracking(const SeenPolicy& policy, std::vector<Proposal>& out) const {
    const auto& settings = *policy.record.tracking;
    const SeenTracking& tracking = policy.tracking;
    if (tracking.high && !tracking.points.empty()) {
      const Datapoint& latest = tracking.points.back();
      if (latest.value > settings.target_value && fresh(latest.time, Direction::out)) {
        out.push_back({policy.record.name, policy.record.high_alarm, "ALARM", Direction::out,
                       tracked_capacity(base(), latest.value, settings.target_value),
                       settings.scale_out_cooldown.value_or(kDefaultCooldownS)});
      }
    }
    if (!may_scale_in(policy) || !tracking.low) return;
    const auto metric = highest(tracking);
    if (!metric || *metric >= settings.target_value) return;
    const int capacity = std::min(seen_.service->desired, next_.max_capacity);
    out.push_back({policy.record.name, policy.record.low_alarm, "ALARM", Direction::in,
                   capacity == 0 ? 0 : tracked_capacity(capacity, *metric, settings.target_value),
                   settings.scale_in_cooldown.value_or(kDefaultCooldownS)});
  }

  void add_steps(const SeenPolicy& policy, std::vector<Proposal>& out) const {
    const auto& settings = *policy.record.step;
    const int cooldown = settings.cooldown.value_or(kDefaultCooldownS);
    for (const SeenAlarm& alarm : policy.alarms) {
      if (alarm.points.empty()) continue;
      const double value =
          aggregate(alarm.points, settings.metric_aggregation_type.value_or("Average"));
      const StepAdjustment* step = find_step(settings, value - alarm.threshold, alarm.below);
      if (!step) continue;
      const int desired = seen_.service->desired;
      const bool exact = settings.adjustment_type == "ExactCapacity";
      const auto direction =
          step->scaling_adjustment > (exact ? desired : 0) ? Direction::out : Direction::in;
      if (!fresh(alarm.at, direction)) continue;
      const int from = direction == Direction::out ? base() : std::min(desired, next_.max_capacity);
      out.push_back({policy.record.name, alarm.name, alarm.state, direction,
                     std::max(stepped_capacity(settings, *step, from), 0), cooldown});
    }
  }

  static std::string cause_of(const Proposal& proposal) {
    return fmt::format("monitor alarm {} in state {} triggered policy {}", proposal.alarm,
                       proposal.state, proposal.policy);
  }

  void not_scaled(const Proposal& proposal, NotScaledReason reason) {
    const int about = reason.max_capacity.value_or(
        reason.min_capacity.value_or(reason.current_capacity.value_or(0)));
    std::string what =
        fmt::format("{} {} {} {}", proposal.policy, proposal.alarm, reason.code, about);
    if (next_.not_scaled == what && now_ - next_.not_scaled_at < kTellAgain) return;
    next_.not_scaled = std::move(what);
    next_.not_scaled_at = now_;
    plan_.changed = true;
    plan_.activities.push_back({.description = "Attempting to scale due to alarm triggered",
                                .cause = cause_of(proposal),
                                .status = "Failed",
                                .not_scaled = std::move(reason),
                                .started = now_,
                                .ended = now_});
  }

  void follow_alarms() {
    if (settling()) return;
    const std::vector<Proposal> all = list();
    const auto largest = [&](Direction direction) -> const Proposal* {
      const Proposal* out = nullptr;
      for (const Proposal& one : all) {
        if (one.direction == direction && (!out || one.capacity > out->capacity)) out = &one;
      }
      return out;
    };
    if (const Proposal* out = largest(Direction::out)) return scale_out(*out);
    if (const Proposal* in = largest(Direction::in)) scale_in(*in);
  }

  void scale_out(const Proposal& proposal) {
    if (next_.out_suspended) return;
    const int desired = seen_.service->desired;
    const int to = std::clamp(proposal.capacity, next_.min_capacity, next_.max_capacity);
    if (to > desired) {
      const bool chained = cooling(next_, Direction::out, now_) && next_.change->to == desired;
      return begin(Direction::out, to, proposal.policy, proposal.cooldown_s,
                   chained ? next_.change->base : desired, cause_of(proposal));
    }
    if (cooling(next_, Direction::out, now_)) return look(cooling_until(*next_.change));
    if (proposal.capacity > desired) {
      NotScaledReason reason{.code = "AlreadyAtMaxCapacity"};
      reason.max_capacity = next_.max_capacity;
      return not_scaled(proposal, std::move(reason));
    }
    NotScaledReason reason{.code = "AlreadyAtDesiredCapacity"};
    reason.current_capacity = desired;
    not_scaled(proposal, std::move(reason));
  }

  bool tracking_agrees() const {
    return std::ranges::all_of(seen_.policies, [&](const SeenPolicy& policy) {
      return !may_scale_in(policy) || policy.tracking.low;
    });
  }

  void scale_in(const Proposal& proposal) {
    const bool tracked = std::ranges::any_of(seen_.policies, [&](const SeenPolicy& policy) {
      return policy.record.name == proposal.policy && policy.record.tracking;
    });
    // A step policy does not ask the others, as on AWS.
    if (next_.in_suspended || (tracked && !tracking_agrees())) return;
    if (cooling(next_, Direction::in, now_)) return look(cooling_until(*next_.change));
    const int desired = seen_.service->desired;
    const int to = std::max(proposal.capacity, next_.min_capacity);
    if (to < desired) {
      if (seen_.service->deploying)
        return not_scaled(proposal, {.code = "TargetServicePutResourceAsUnscalable"});
      return begin(Direction::in, to, proposal.policy, proposal.cooldown_s, desired,
                   cause_of(proposal));
    }
    if (proposal.capacity < desired || desired <= next_.min_capacity) {
      NotScaledReason reason{.code = "AlreadyAtMinCapacity"};
      reason.min_capacity = next_.min_capacity;
      return not_scaled(proposal, std::move(reason));
    }
    // With one task less the metric would be above its target again.
    not_scaled(proposal,
               {.code = tracked ? "AutoScalingAnticipatedFlapping" : "AlreadyAtDesiredCapacity"});
    if (!tracked && !plan_.activities.empty() && plan_.activities.back().not_scaled)
      plan_.activities.back().not_scaled->current_capacity = desired;
  }

  const Seen& seen_;
  TimePoint now_;
  TargetRecord next_;
  TargetPlan plan_;
};

}  // namespace

bool cooling(const TargetRecord& target, Direction direction, TimePoint now) {
  return target.change && target.change->direction == direction && !target.change->policy.empty() &&
         now < cooling_until(*target.change);
}

TargetPlan plan_target(const TargetRecord& target, const Seen& seen, TimePoint now) {
  return Planner(target, seen, now).run();
}

std::vector<Proposal> proposals(const TargetRecord& target, const Seen& seen, TimePoint now) {
  return Planner(target, seen, now).list();
}

}  // namespace landfall::application_autoscaling
