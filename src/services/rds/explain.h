// `landfall why` for DB instances.
#pragma once

#include "reconcile/why.h"
#include "services/rds/service.h"

namespace landfall::rds {

// reference: an ARN, an identifier, a resource id ("db-ABC...") or an endpoint's name.
task<std::optional<reconcile::Explanation>> explain(Rds& rds, Scope scope, std::string reference);

// What the end of a server's log says about clients that could not connect.
struct RefusedClients {
  std::set<std::string> missing_databases;
  std::map<std::string, int> wrong_passwords;  // by user
  std::map<std::string, int> without_tls;      // by client address
  int too_many = 0;
  std::string disk_full;  // the message
};
// Lines older than `since` do not count.
RefusedClients read_refusals(std::string_view log, TimePoint since);

}  // namespace landfall::rds
