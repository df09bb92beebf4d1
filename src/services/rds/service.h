// Relational Database Service: real PostgreSQL servers, one container each. What it needs from the
// rest of Landfall.
#pragma once

#include "base/random.h"
#include "host/containers/containers.h"
#include "host/instance.h"
#include "host/postgres/installations.h"
#include "host/volumes/volumes.h"
#include "reconcile/events.h"
#include "services/ec2/port.h"
#include "services/rds/store.h"

namespace landfall::rds {

class InstanceController;

struct Rds {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  const host::Instance& instance;
  host::Containers& containers;
  host::Volumes& volumes;
  ec2::Port& ec2;
  reconcile::EventLog& events;
  // Where exact versions are installed; Debian's own are found by themselves.
  std::filesystem::path engines;

  Tables tables(const Scope& scope) const { return {store, scope}; }
  // Looked up at each call: a version installed while we run is there at once.
  task<std::vector<host::PostgresInstallation>> installations() const {
    return host::find_postgres(loop, engines);
  }
};

}  // namespace landfall::rds
