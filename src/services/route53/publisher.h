// Gives DNS the hosted zones of all accounts, whenever they change.
#pragma once

#include "host/dns/zones.h"
#include "reconcile/controller.h"
#include "services/route53/service.h"

namespace landfall::route53 {

// All zones as DNS takes them.
host::dns::ZoneTable zone_table(const Route53& route53);

class Publisher {
 public:
  // Resumes when they are in force.
  using Publish = std::function<task<void>(host::dns::ZoneTable)>;
  Publisher(Route53& route53, Publish publish);
  void start() { controller_.start(); }
  task<void> stop() { return controller_.stop(); }

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<void> wait_for(store::Revision revision);

  Route53& route53_;
  Publish publish_;
  io::Event published_;
  reconcile::Controller controller_;
};

}  // namespace landfall::route53
