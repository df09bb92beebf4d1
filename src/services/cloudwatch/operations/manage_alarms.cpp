// operations: DeleteAlarms, EnableAlarmActions, DisableAlarmActions, SetAlarmState
#include "services/cloudwatch/alarms/configure.h"
#include "services/cloudwatch/alarms/rule.h"
#include "services/cloudwatch/alarms/transition.h"
#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

task<Result<void>> switch_actions(Cloudwatch& cloudwatch, const RequestContext& ctx,
                                  std::vector<std::string> names, bool enabled) {
  for (const std::string& name : names) {
    auto changed = co_await change_alarm(cloudwatch, ctx.scope, name,
                                         [enabled](AlarmRecord& alarm) -> Result<bool> {
                                           const bool was = alarm.actions_enabled;
                                           alarm.actions_enabled = enabled;
                                           return was != enabled;
                                         });
    // As on AWS: names that are not there are passed over.
    if (!changed && changed.error().code != "not-found") co_return changed;
  }
  co_return Result<void>();
}

AlarmState state_of(const std::string& text) {
  if (text == "OK") return AlarmState::ok;
  return text == "ALARM" ? AlarmState::alarm : AlarmState::insufficient_data;
}

}  // namespace

task<Result<DeleteAlarmsResponse>> delete_alarms(Cloudwatch& cloudwatch, const RequestContext& ctx,
                                                 DeleteAlarmsRequest in) {
  std::vector<std::string> composite;
  for (const std::string& name : in.alarm_names) {
    const auto row = cloudwatch.find_alarm(ctx.scope, name);
    if (!row && in.alarm_names.size() == 1) co_return DeleteAlarmsResponse{};
    if (row && row->value.composite) composite.push_back(name);
  }
  if (!composite.empty() && in.alarm_names.size() > 1)
    co_return invalid("A composite alarm must be deleted by a call of its own.");
  LF_CO_OK(co_await remove_alarms(cloudwatch, ctx.scope, in.alarm_names, ctx.now));
  co_return DeleteAlarmsResponse{};
}

task<Result<EnableAlarmActionsResponse>> enable_alarm_actions(Cloudwatch& cloudwatch,
                                                              const RequestContext& ctx,
                                                              EnableAlarmActionsRequest in) {
  LF_CO_OK(co_await switch_actions(cloudwatch, ctx, in.alarm_names, true));
  co_return EnableAlarmActionsResponse{};
}

task<Result<DisableAlarmActionsResponse>> disable_alarm_actions(Cloudwatch& cloudwatch,
                                                                const RequestContext& ctx,
                                                                DisableAlarmActionsRequest in) {
  LF_CO_OK(co_await switch_actions(cloudwatch, ctx, in.alarm_names, false));
  co_return DisableAlarmActionsResponse{};
}

// The next evaluation may change it back.
task<Result<SetAlarmStateResponse>> set_alarm_state(Cloudwatch& cloudwatch,
                                                    const RequestContext& ctx,
                                                    SetAlarmStateRequest in) {
  if (in.state_reason_data) {
    boost::system::error_code error;
    (void)json::parse(*in.state_reason_data, error);
    if (error) co_return errors::invalid_format("StateReasonData is not JSON.");
  }
  for (int attempt = 0; attempt < 8; ++attempt) {
    auto row = cloudwatch.find_alarm(ctx.scope, in.alarm_name);
    if (!row)
      co_return errors::resource_not_found(fmt::format("Could not find alarm {}", in.alarm_name));
    NewState next{.state = state_of(in.state_value),
                  .reason = in.state_reason,
                  .reason_data = in.state_reason_data.value_or("")};
    LF_CO_TRY(done, co_await transition(cloudwatch, ctx.scope, std::move(*row), std::move(next),
                                        ctx.now));
    if (done) co_return SetAlarmStateResponse{};
  }
  co_return fail("conflict", "the alarm keeps changing", 500);
}

}  // namespace landfall::cloudwatch
