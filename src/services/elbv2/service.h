// Elastic Load Balancing (v2): what it needs from the rest of Landfall.
#pragma once

#include <filesystem>
#include <functional>

#include "base/random.h"
#include "io/exclusive.h"
#include "reconcile/events.h"
#include "services/acm/port.h"
#include "services/ec2/port.h"
#include "services/elbv2/health.h"
#include "services/elbv2/metric_sample.h"
#include "services/elbv2/records.h"
#include "store/sealed.h"

namespace landfall::elbv2 {

struct Elbv2 {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  ec2::Port& ec2;
  acm::Port& acm;
  reconcile::EventLog& events;
  const store::Sealer& sealer;
  // What the proxy last said of the targets; filled by the controller.
  HealthTable health = {};
  // Called after `health` has changed.
  std::vector<std::function<void()>> health_listeners = {};
  // Resumes when the proxy has what the store said at that revision, or after a while; set by who
  // runs the controller. AWS promises no more than "soon" here, but a listener that answers when
  // the call returns surprises nobody.
  std::function<task<void>(store::Revision)> in_force = {};
  // Takes each minute's samples of one account and region; `minute` is when it began. Not set:
  // nobody reads the proxy's counters.
  std::function<task<Result<void>>(Scope, TimePoint minute, std::vector<MetricSample>)>
      metric_sink = {};
  // A folder for each bucket, as long as there is no S3: bundles of trust stores are read there.
  std::filesystem::path buckets = {};
  // Held by every writer from its first read to its commit.
  io::Exclusive writing{loop};

  Tables tables(const Scope& scope) const { return {store, scope}; }
  std::string new_id() { return random.hex(16); }
};

// Commits what a writer has prepared under Elbv2::writing, lets the next one in, and waits until
// the change is in force. Errors: those of the store.
task<Result<void>> commit(Elbv2& elbv2, io::Exclusive::Guard guard, store::Transaction transaction);

}  // namespace landfall::elbv2
