// Relational Database Service: real PostgreSQL servers, one container each. What it needs from the
// rest of Landfall.
#pragma once

#include "base/random.h"
#include "host/authority/authority.h"
#include "host/containers/containers.h"
#include "host/instance.h"
#include "host/postgres/installations.h"
#include "host/volumes/volumes.h"
#include "reconcile/events.h"
#include "services/ec2/port.h"
#include "services/kms/port.h"
#include "services/logs/port.h"
#include "services/rds/store.h"
#include "services/secretsmanager/port.h"

namespace landfall::rds {

struct ParameterFacts;

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
  const host::Authority& authority;  // issues the servers' certificates
  logs::Port& logs;
  kms::Port& kms;                 // keys of encrypted volumes
  secretsmanager::Port& secrets;  // master passwords that RDS keeps
  // Parameters by engine version, described once.
  std::map<std::string, std::shared_ptr<const std::map<std::string, ParameterFacts>>> catalogues =
      {};

  Tables tables(const Scope& scope) const { return {store, scope}; }
  // Looked up at each call: a version installed while we run is there at once.
  task<std::vector<host::PostgresInstallation>> installations() const {
    return host::find_postgres(loop, engines);
  }
};

}  // namespace landfall::rds
