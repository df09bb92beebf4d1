// ECS and what it depends on.
#pragma once

#include "base/random.h"
#include "host/containers/containers.h"
#include "reconcile/events.h"
#include "services/cloudwatch/port.h"
#include "services/ec2/port.h"
#include "services/ecs/neighbours.h"
#include "services/ecs/store.h"
#include "services/elbv2/port.h"
#include "services/iam/port.h"
#include "wire/context.h"

namespace landfall::ecs {

// The API operations need only this much; controllers take the neighbours too. References live as
// long as the server.
class Sessions;

struct Ecs {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  ec2::Port& ec2;
  iam::Port& iam;
  reconcile::EventLog& events;
  elbv2::Port& balancers;
  cloudwatch::Port* alarms = nullptr;  // none: deployments cannot be watched by alarms
  Sessions* sessions = nullptr;        // none: no ECS Exec

  Tables tables(const Scope& scope) const { return Tables(store, scope); }
};

}  // namespace landfall::ecs
