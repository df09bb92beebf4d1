// An alarm goes into another state: its record, its history and the actions that this calls for are
// written together, so that after a crash an action is still there, and is there once.
#pragma once

#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

struct NewState {
  AlarmState state = AlarmState::ok;
  std::string reason;
  std::string reason_data = {};
  std::vector<Point> recent = {};  // oldest first
};

// False: the alarm changed in between; look at it again.
task<Result<bool>> transition(Cloudwatch& cloudwatch, Scope scope, AlarmRow row, NewState next,
                              TimePoint now);
AlarmTransition transition_of(const Scope& scope, const PendingAction& action);
PendingAction pending_action(const Scope& scope, const AlarmRecord& alarm, AlarmState previous,
                             const std::string& action, const std::vector<Point>& recent,
                             TimePoint time);

}  // namespace landfall::cloudwatch
