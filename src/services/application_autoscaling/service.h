// Application Auto Scaling and what it depends on.
#pragma once

#include "base/random.h"
#include "services/application_autoscaling/store.h"
#include "services/cloudwatch/port.h"
#include "services/ecs/port.h"
#include "services/iam/port.h"

namespace landfall::application_autoscaling {

// The alarms that target tracking makes; AWS's are these.
struct AlarmTiming {
  int period_s = 60;
  int out_periods = 3;
  int in_periods = 15;
};

struct ApplicationAutoscaling {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  iam::Port& iam;
  ecs::Port& ecs;
  cloudwatch::Port& cloudwatch;
  AlarmTiming timing = {};

  Tables tables(const Scope& scope) const { return {store, scope}; }
};

}  // namespace landfall::application_autoscaling
