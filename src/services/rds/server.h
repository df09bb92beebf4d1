// The database server of an instance, as host::postgres runs it.
#pragma once

#include "host/postgres/server.h"
#include "services/rds/parameters.h"

namespace landfall::rds {

// Names on the host, all made of the resource id.
std::string container_of(const DbInstance& instance);
std::string volume_of(const std::string& resource_id);
std::string interface_owner(const DbInstance& instance);
// Configuration, socket, segments to replay; goes with the instance.
std::filesystem::path state_folder(const Rds& rds, const std::string& resource_id);
// Segments kept for restoring to a point in time; may outlive the instance. Of an encrypted
// instance they have an encrypted volume of their own.
std::filesystem::path archive_folder(const Rds& rds, const std::string& resource_id,
                                     bool encrypted);
std::string archive_volume(const std::string& resource_id);
// Where a restored server finds the segments to replay.
std::filesystem::path replay_folder(const Rds& rds, const DbInstance& instance);

// "NAME.c0123456789a.REGION.rds.landfall.test".
std::string endpoint_name(const DbInstance& instance);

// What a start must be for; another word means a restart.
std::string configuration_of(const DbInstance& instance);

// Without a certificate. Error "engine-missing": the version is not installed any more.
task<Result<host::PostgresServer>> server_of(Rds& rds, DbInstance instance,
                                             ParameterValues parameters);
// To run statements with; what is needed for that only.
host::PostgresServer server_to_ask(const Rds& rds, const DbInstance& instance);

// A fresh certificate for the endpoint's name, by the installation's own authority.
Result<void> add_certificate(const Rds& rds, const DbInstance& instance,
                             host::PostgresServer& server);

}  // namespace landfall::rds
