// A PostgreSQL server in a container of its own: the system's read-only /usr and the version's
// folder as root file system, one volume for the data, and a socket folder through which the host
// administers it.
//
// The administrator is the role "rdsadmin" (a superuser that only the host can become, over the
// socket); the master user is an ordinary role with what AWS grants: CREATEDB, CREATEROLE and
// membership in rds_superuser.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
#pragma once

#include <filesystem>
#include <map>

#include "host/containers/containers.h"
#include "host/postgres/installations.h"

namespace landfall::host {

// A start that first replays archived segments: onto a copy of the source's volume, up to a moment
// or to the end of what is archived.
struct PostgresRecovery {
  std::filesystem::path segments;  // folder; every segment written after the copy was made
  std::optional<TimePoint> until;
};

// A server that follows another one on this machine: it begins with a copy of that one's volume and
// stays in recovery until it is promoted (pg_promote).
struct PostgresPrimary {
  std::filesystem::path socket_folder;
  std::uint16_t port = 5432;
  std::string slot;  // a physical replication slot there
};

struct PostgresServer {
  std::string id;  // names the container and its group; letters, digits, '-'
  PostgresInstallation installation;
  std::filesystem::path data_folder;   // the mounted volume
  std::filesystem::path state_folder;  // ours alone: configuration and socket
  std::uint16_t port = 5432;
  std::uint64_t memory_bytes = 0;  // of the instance class; the buffers take a quarter
  std::uint64_t cpu_millicores = 0;
  std::string master_user;
  std::string master_verifier;  // scram_verifier() of the password
  std::string database;         // made at initialisation; empty: none but "postgres"
  std::map<std::string, std::string> parameters;  // of postgresql.conf
  bool tls = false;
  std::string certificate;   // with tls: chain and key, PEM, in one text
  bool require_tls = false;  // TCP connections without TLS are refused
  // While `archiving`, finished WAL segments are copied to the folder, durably, before the server
  // may reuse them.
  std::filesystem::path archive_folder;
  bool archiving = false;
  std::optional<PostgresRecovery> recovery;
  std::optional<PostgresPrimary> primary;
  std::string network_namespace;
  std::map<std::string, std::string> labels;
};

// Where a follower on this machine finds the server.
std::filesystem::path postgres_socket_folder(const PostgresServer& server);

// Where the server writes its log, in hourly files "postgresql.log.2026-11-21-15".
std::filesystem::path postgres_log_folder(const PostgresServer& server);

// Changes with whatever write_postgres_settings() would write, but for the certificate.
std::string postgres_settings_digest(const PostgresServer& server);
// Rewrites postgresql.conf, pg_hba.conf and the certificate of a running server, which reads them
// when told to (pg_reload_conf). Errors: errno-*.
Result<void> write_postgres_settings(const PostgresServer& server);

// Writes configuration and start script below state_folder and says how to run them. The data
// folder is initialised by the container's own first start: an interrupted initialisation begins
// anew at the next. Errors: errno-*.
Result<ContainerSpec> prepare_postgres(const PostgresServer& server);

// One statement (or several) as rdsadmin over the socket; unaligned rows without headers. Errors:
// "not-ready" while the server does not accept connections, "sql-failed" with the server's message,
// "program-missing".
task<Result<std::string>> run_sql(io::Loop& loop, const PostgresServer& server,
                                  std::string database, std::string statements,
                                  Millis timeout = std::chrono::seconds(10));

// Quoting for statements: "name" and 'text'.
std::string sql_name(std::string_view name);
std::string sql_text(std::string_view text);

}  // namespace landfall::host
